"""Replies that were paid for, kept by a digest of the request: a repeated evaluation asks nobody.

A file for each fingerprint, a line for each reply. No item text is in it, and nothing expires.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kclassify.core.item import digest_of
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict
from kclassify.errors import UsageError
from kclassify.evals.file_lock import locked

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one call, and the seconds that it took."""

    outcome: Outcome[str]
    seconds: float


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Header(_Line):
    format: int
    fingerprint: str


class _Usage(_Line):
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_read_tokens: int


class _Kept(_Line):
    key: str
    kind: str
    label: str | None
    confidence: float | None
    model: str | None
    detail: str
    usage: _Usage
    body_chars_cut: int
    seconds: float


class ReplyCache:
    """The replies of one classifier. One evaluation at a time asks for more, see `alone`.

    Raises `UsageError` for a file that another version of kclassify wrote, and for a folder that
    cannot be read or written. A last line that a crash cut off is passed over.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._path = folder / f"{fingerprint}.jsonl"
        self._headed = False
        self._replies = dict(self._read())

    def find(self, item_digest: str, repeat: int) -> Reply | None:
        """The reply to this text at this repeat, counted from 0; its outcome marked as recalled."""
        return self._replies.get(self._key(item_digest, repeat))

    def keep(self, item_digest: str, repeat: int, reply: Reply) -> None:
        """Add a reply, at once. Not for outcomes that are the provider's fault."""
        key = self._key(item_digest, repeat)
        if reply.outcome.kind.is_availability:
            raise ValueError("an answer is kept, and the provider gave none")
        self._append(_dumped(key, reply))
        self._replies[key] = Reply(reply.outcome.as_recalled(), reply.seconds)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Be the only one who asks, and find what others kept until now: nothing is paid twice.

        Raises `UsageError` while another evaluation asks this classifier.
        """
        with ExitStack() as held:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                is_alone = held.enter_context(locked(self._path, waits=False))
            except OSError as error:
                raise self._unwritten(error) from None
            if not is_alone:
                raise UsageError(
                    f"{self._path}: another evaluation asks this classifier now, and keeps its "
                    "replies here: when it has ended, run the same command again, which asks only "
                    "for what is missing then"
                )
            self._replies |= dict(self._read())
            yield

    def _key(self, item_digest: str, repeat: int) -> str:
        return digest_of(self._fingerprint, item_digest, str(repeat))

    def _read(self) -> Iterator[tuple[str, Reply]]:
        for line in self._lines():
            try:
                parsed: object = json.loads(line)
            except ValueError:  # cut off when its process was killed: asked for again
                continue
            try:
                if isinstance(parsed, dict) and "format" in parsed:
                    self._check(_Header.model_validate(parsed))
                else:
                    yield self._loaded(_Kept.model_validate(parsed))
            except (ValidationError, ValueError):
                raise self._foreign() from None

    def _lines(self) -> list[str]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be read: {error.strerror}") from None
        return [line for line in text.split("\n") if line]

    def _check(self, header: _Header) -> None:
        if header.format != FORMAT or header.fingerprint != self._fingerprint:
            raise ValueError("another format")
        self._headed = True

    def _foreign(self) -> UsageError:
        return UsageError(
            f"{self._path}: these replies were kept by another version of kclassify: delete the "
            f"folder {self._path.parent}, and they are asked for again"
        )

    def _append(self, line: str) -> None:
        """One write at the end of the file, so that lines of several processes never mix."""
        header = _Header(format=FORMAT, fingerprint=self._fingerprint).model_dump_json()
        # Each line breaks off the one before, which a crash may have left unfinished.
        text = f"\n{line}" if self._headed else f"\n{header}\n{line}"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                file.write(text.encode())
        except OSError as error:
            raise self._unwritten(error) from None
        self._headed = True

    def _unwritten(self, error: OSError) -> UsageError:
        return UsageError(f"{self._path}: cannot be written: {error.strerror}")

    def _loaded(self, kept: _Kept) -> tuple[str, Reply]:
        if not self._headed:
            raise ValueError("no header")
        return _loaded(kept)


def _dumped(key: str, reply: Reply) -> str:
    outcome, verdict = reply.outcome, reply.outcome.verdict
    return _Kept(
        key=key,
        kind=outcome.kind.value,
        label=None if verdict is None else str(verdict.label),
        confidence=None if verdict is None else verdict.confidence,
        model=None if verdict is None else verdict.model,
        detail=outcome.detail,
        usage=_Usage(**asdict(outcome.usage)),
        body_chars_cut=outcome.body_chars_cut,
        seconds=reply.seconds,
    ).model_dump_json()


def _loaded(kept: _Kept) -> tuple[str, Reply]:
    usage = Usage(**kept.usage.model_dump())
    verdict = None
    if kept.label is not None:
        confidence = float("nan") if kept.confidence is None else kept.confidence
        verdict = Verdict(kept.label, confidence, kept.model or "", usage)
    outcome = Outcome(
        OutcomeKind(kept.kind),
        verdict,
        detail=kept.detail,
        usage=usage,
        body_chars_cut=kept.body_chars_cut,
        recalled=True,
    )
    return kept.key, Reply(outcome, kept.seconds)
