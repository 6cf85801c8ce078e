"""Measurements that need more than a checkout."""
