"""The ten invariants, checked against what a run left behind: pure, a page at a time."""
