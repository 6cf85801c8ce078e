from __future__ import annotations

from kclassify.cli.eval_progress import PlainTeller
from kclassify.cli.plain_progress import INTERVAL_S
from kclassify.evals.asking_terms import Progress


def test_a_line_comes_now_and_then_and_when_a_variant_is_done() -> None:
    written: list[str] = []
    now = [0.0]
    tell = PlainTeller(written.append, lambda: now[0])
    tell("a", Progress(done=1, total=3, calls=1, failures=0))
    assert written == []
    now[0] = INTERVAL_S
    tell("a", Progress(done=2, total=3, calls=2, failures=0))
    for _ in range(3):  # those who were in flight all see that it is done
        tell("a", Progress(done=3, total=3, calls=3, failures=1))
    assert written == ["a: 2 of 3 answers, 2 calls", "a: 3 of 3 answers, 3 calls, 1 failure"]
