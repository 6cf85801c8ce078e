"""Proof before the run: score a classifier on a labelled sample, and decide whether it may write.

Needs the extra `evals`.
"""
