"""The runner in job systems: one thin file each, which translates decisions and does no more.

Import the one you use: `from kclassify.adapters.celery import CeleryJobs`.
"""
