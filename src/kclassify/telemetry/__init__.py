"""Spans and metrics of a run, for OpenTelemetry.

    from kclassify.telemetry import Telemetry

    ReclassifyRunner(..., listeners=[Telemetry()])

They go where the application's OpenTelemetry SDK sends them, and nowhere without one. Needs the
extra `otel`, and raises `MissingExtra` when it is imported without.
"""

from kclassify.errors import MissingExtra

try:
    from kclassify.telemetry.listener import Telemetry as Telemetry
except ModuleNotFoundError as missing:
    if not (missing.name or "").startswith("opentelemetry"):
        raise
    raise MissingExtra(
        "telemetry needs opentelemetry-api, which is not installed: pip install 'kclassify[otel]'"
    ) from None

__all__ = ["Telemetry"]
