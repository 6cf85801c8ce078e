"""What kclassify raises.

    KclassifyError
    ├── UsageError               what was asked cannot be done as asked (exit status 2)
    │   ├── ConfigError          a setting, a file of settings, an unknown key
    │   ├── TaxonomyError        names the category at fault
    │   ├── SourceError          a missing file, table, column; duplicate keys; unknown labels
    │   ├── WriterError          a column or a file that cannot take the labels
    │   ├── MissingExtra         a library of an extra that is not installed
    │   └── GateRefused          a commit without a gate record that passed and without an override
    ├── EnqueueError             a job system that does not take a job: its broker or database
    ├── StepFailed               a job whose run halts: what a human has to mend; never tried again
    ├── DatabaseError            a database that cannot be reached or used; its password hidden
    │   └── LedgerVersionError   a ledger written by a newer kclassify
    └── NoVerdict                `Classifier.classify` got no label for this text
        └── ClassifierHalted     and no other text would get one: credentials, model, spend limit

Messages are one line, name the thing at fault and the way out, and never hold a key or a password.
"""

from __future__ import annotations


class KclassifyError(Exception):
    """The root of every error that kclassify raises on purpose."""


class UsageError(KclassifyError):
    """What was asked cannot be done as asked; nothing was changed."""


class ConfigError(UsageError):
    """A setting is missing, unknown or out of range."""


class TaxonomyError(UsageError):
    """A taxonomy that cannot be used; the message names the category at fault."""


class SourceError(UsageError):
    """Items cannot be read: a missing file, table or column, duplicate keys, unknown labels."""


class WriterError(UsageError):
    """Labels cannot be written where they were asked to be written."""


class MissingExtra(UsageError):
    """A library that belongs to an extra is not installed; the message names the extra."""


class GateRefused(UsageError):
    """Commit was asked for without a gate record that passed and without an override."""


class DatabaseError(KclassifyError):
    """A database cannot be reached or used; the message names it without its password."""


class LedgerVersionError(DatabaseError):
    """The ledger was written by a newer kclassify than this one."""


class NoVerdict(KclassifyError):
    """A text got no label. `kind` is the outcome's name, for instance `refused`."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


class ClassifierHalted(NoVerdict):
    """No text would get a label until a human mends what the message says."""


class EnqueueError(KclassifyError):
    """A job could not be put in its queue; the message names the service."""


class StepFailed(KclassifyError):
    """A job whose run halts, with what a human has to mend; another try would change nothing."""
