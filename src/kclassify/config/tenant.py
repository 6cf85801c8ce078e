"""What the run of one tenant is called: `articles/acme`."""

from __future__ import annotations

from kclassify.config.settings import Settings

_PLAIN = frozenset("_.-@+:")


def for_tenant(settings: Settings, tenant: str) -> Settings:
    """The settings of the run of this tenant: its rows, and a run of its own.

    Raises `ConfigError` where no column tells whose a row is.
    """
    run = settings.run.model_copy(update={"name": run_of_tenant(settings.run.name, tenant)})
    return settings.of_tenant(tenant).model_copy(update={"run": run})


def run_of_tenant(run: str, tenant: str) -> str:
    """The name of the run of this tenant: another for each, and one plain word after the slash.

    What is neither a letter, a digit nor one of `_.-@+:` is written as `%` and the hexadecimal
    numbers of its bytes in UTF-8, so that it needs no quotes and moves no cursor.
    """
    return f"{run}/{''.join(map(_spelt, tenant))}"


def _spelt(sign: str) -> str:
    if sign.isalnum() or sign in _PLAIN:
        return sign
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))
