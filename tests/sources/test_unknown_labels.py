from __future__ import annotations

from kclassify.ports import UnknownLabel
from kclassify.sources.unknown import UnknownLabels


def test_unknown_labels_come_with_their_count_and_five_keys_the_most_frequent_first() -> None:
    unknown = UnknownLabels({"convention"})
    labels = ["odd", "convention", None, *["gone"] * 8]
    for key, label in enumerate(labels):
        unknown.add(label, key)
    gone, odd = UnknownLabel("gone", 8, (3, 4, 5, 6, 7)), UnknownLabel("odd", 1, (0,))
    assert unknown.found() == (gone, odd)
