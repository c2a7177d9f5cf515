"""One AWS account in this process (moto)."""

from dataclasses import dataclass, field
from typing import Any

import boto3

from tests.fakes.account import REGION, TABLE, Account

__all__ = ["REGION", "TABLE", "Aws"]

_CLIENTS: dict[str, Any] = {}
"""Made once: reading a service's description costs more than most tests. Each account is empty all the same."""


@dataclass
class Calls:
    """Every call to AWS from now on, as `dynamodb.PutItem`, and what was asked for in it."""

    names: list[str] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.names.append(f"{model.service_model.service_name}.{model.name}")
        self.parameters.append(params)

    def clear(self) -> None:
        self.names.clear()
        self.parameters.clear()

    def of(self, name: str) -> list[dict[str, Any]]:
        return [params for called, params in zip(self.names, self.parameters, strict=True) if called == name]


class Aws(Account):
    """A fresh account. `calls` notes what the code under test calls."""

    def __init__(self) -> None:
        self.calls = Calls()
        boto3.setup_default_session(region_name=REGION)
        super().__init__(self._client)
        self.fill()
        # From here on, also of the clients that the code under test makes for itself.
        for events in (self.session().events, *(client.meta.events for client in _CLIENTS.values())):
            events.register("before-parameter-build", self.calls.note)

    @staticmethod
    def session() -> boto3.session.Session:
        """What makes the clients of the code under test."""
        assert boto3.DEFAULT_SESSION
        return boto3.DEFAULT_SESSION

    def close(self) -> None:
        for client in _CLIENTS.values():
            client.meta.events.unregister("before-parameter-build", self.calls.note)
        boto3.DEFAULT_SESSION = None

    def _client(self, service: Any) -> Any:
        if service not in _CLIENTS:
            _CLIENTS[service] = boto3.client(service)
        return _CLIENTS[service]
