"""Suites that an implementation of a port runs against itself: subclass one and name a factory.

They need pytest.
"""
