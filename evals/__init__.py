"""Evaluations of kclassify on its own corpus: `python -m evals`."""
