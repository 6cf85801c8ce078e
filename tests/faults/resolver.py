"""A name that resolves as long as the test wants it to."""

from __future__ import annotations

import socket
from typing import Any

import pytest

NAME = "provider.test"


class Resolver:
    """Stands before the machine's resolver and answers for one name only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._others = socket.getaddrinfo
        self.knows_it = True
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in {NAME, NAME.encode()}:
            return self._others(host, *arguments, **options)
        if not self.knows_it:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._others("127.0.0.1", *arguments, **options)
