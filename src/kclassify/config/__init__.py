"""Settings: frozen, keyword-only, merged once: defaults < file < environment < arguments.

The file is `kclassify.toml`. In its texts `${NAME}` stands for an environment variable. A variable
`KCLASSIFY_<TABLE>_<KEY>` (`KCLASSIFY_RUNNER_MAX_CONCURRENCY`) overrides one setting. Paths, and the
files of SQLite URLs, are relative to the folder of the file.
"""

from __future__ import annotations

from kclassify.config.load import DEFAULT_FILE, load_settings, parse_settings
from kclassify.config.runner_settings import RunnerSettings
from kclassify.config.settings import (
    ClassifierSettings,
    GateSettings,
    JobsSettings,
    LedgerSettings,
    RunSettings,
    Settings,
    SourceSettings,
    TaxonomySettings,
    WriterSettings,
)

__all__ = [
    "DEFAULT_FILE",
    "ClassifierSettings",
    "GateSettings",
    "JobsSettings",
    "LedgerSettings",
    "RunSettings",
    "RunnerSettings",
    "Settings",
    "SourceSettings",
    "TaxonomySettings",
    "WriterSettings",
    "load_settings",
    "parse_settings",
]
