"""Relabel a production corpus with an LLM."""
