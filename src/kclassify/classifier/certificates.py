"""Whom connections trust: read from disk once in a process, since that takes 20 ms and more."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from kclassify.errors import UsageError

if TYPE_CHECKING:
    import ssl


def tls_context() -> ssl.SSLContext:
    """The authorities of `SSL_CERT_FILE` and `SSL_CERT_DIR`, as the SDK's own clients take them.

    Raises `UsageError` for a file that cannot be read.
    """
    file = os.environ.get("SSL_CERT_FILE")
    try:
        return _read(file, os.environ.get("SSL_CERT_DIR"))
    except OSError as error:
        raise UsageError(f"SSL_CERT_FILE: {file}: {error.strerror}") from None


@cache
def _read(file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx2  # noqa: PLC0415

    del file, folder  # whoever names others has another context
    return httpx2.create_ssl_context()
