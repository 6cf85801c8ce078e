"""The job system of the application, imported by its name: `worker:jobs`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from kclassify.adapters.job_system import JobSystem
from kclassify.config import JobsSettings
from kclassify.errors import ConfigError, KclassifyError

_RECIPES = ("arq", "dramatiq")


def job_system(jobs: JobsSettings) -> JobSystem:
    """The object that `[jobs] app` or `--app` names; its module is looked for here, too.

    Raises `ConfigError` where there is none, where it is no job system, and where it is another
    than the one that was asked for; `MissingExtra` where its library is not installed.
    """
    place = jobs.app
    if place is None:
        raise ConfigError(
            "which job system? name the object of your worker's module in [jobs] app or with "
            f"--app, for instance worker:jobs{_recipe(jobs.on)}"
        )
    module, colon, attribute = place.partition(":")
    if not (colon and module and attribute):
        raise ConfigError(f"{place!r} is no place of a job system: module:attribute is expected")
    found = _attribute(_imported(module), module, attribute)
    if not isinstance(found, JobSystem):
        kind = type(found).__name__
        raise ConfigError(
            f"{place} is a {kind} and no job system: name the adapter, such as CeleryJobs(app)"
        )
    if jobs.on not in {None, found.name}:
        raise ConfigError(f"{place} is {found.name}, and {jobs.on} was asked for")
    return found


def _imported(module: str) -> Mapping[str, object]:
    try:
        _look_here_too()
        return vars(import_module(module))
    except KclassifyError:
        raise
    except ModuleNotFoundError as error:
        missing = error.name or module
        recipe = _recipe(missing.removeprefix("kclassify.adapters."))
        if recipe:
            raise ConfigError(f"there is no module {missing!r}{recipe}") from None
        if f"{module}.".startswith(f"{missing}."):
            raise ConfigError(
                f"there is no module {missing!r} in {Path.cwd()} or among what is installed"
            ) from None
        raise ConfigError(f"{module} needs {missing!r}, which is not installed") from None
    except Exception as error:  # noqa: BLE001  # the application's own, of any kind
        # What it says may hold a password: a broker's address for instance.
        raise ConfigError(
            f"{module} cannot be imported, it raises {type(error).__name__}: "
            f"`python -c 'import {module}'` shows where"
        ) from None


def _recipe(system: str | None) -> str:
    """Where to read about a job system that has no adapter; empty for any other name."""
    if system not in _RECIPES:
        return ""
    return f"; {system} is a recipe, and no module of kclassify: docs/{system}.md"


def _look_here_too() -> None:
    """As `celery` and `uvicorn` look for an application: in the working folder first."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _attribute(names: Mapping[str, object], module: str, attribute: str) -> object:
    if attribute in names:
        return names[attribute]
    there = [name for name, each in names.items() if _is_job_system(each)]
    told = f"its job systems are {', '.join(there)}" if there else "and no job system at all"
    raise ConfigError(f"{module} has no {attribute!r}; {told}")


def _is_job_system(value: object) -> bool:
    return isinstance(value, JobSystem) and not isinstance(value, type)
