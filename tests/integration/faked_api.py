"""The client of the vendor's API, and what the API answers at the transport."""

import json
import traceback
from typing import Any

import pytest
import responses

from adapters.identitycall.client import IdentityCallApi
from domain.evaluation.outcome import Snapshot
from tests.fakes.clock import FakeClock
from tests.fakes.outside import FakeMeter
from tests.fakes.parameters import FixedParameters

BASE = "https://api.identitycall.test/api/v1/public"
KEY = "idc_" + "aB3" * 10 + "xY"
SPOKEN = "my card number is 4111"


class FakedApi:
    """The API and what it answers, next to the client under test. `calls` are the requests it got."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self._mock = mock
        self.parameters = FixedParameters(api_key=KEY)
        self.meter = FakeMeter()
        self.api = IdentityCallApi(f"{BASE}/", self.parameters, self.meter, FakeClock(), monotonic=lambda: 0.0)

    @property
    def calls(self) -> list[Any]:
        return [call.request for call in self._mock.calls]

    def answers(self, content: Any = "", status: int = 200, path: str = "123/results", **headers: str) -> None:
        """An exception is raised; text and bytes are sent as they are; anything else is the `data` of a JSON body."""
        raw = isinstance(content, str | bytes | Exception)
        sent = content if raw else json.dumps({"data": content})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._mock.get(f"{BASE}/recordings/{path}", body=sent, status=status, headers=named)

    def results(self) -> Snapshot:
        return self.api.results(123)

    def raises(self, error: type[Exception], match: str | None = None) -> Any:
        """The error that asking for the results raises. Neither it nor its cause shows the key or spoken words."""
        with pytest.raises(error, match=match) as raised:
            self.results()
        shown = "".join(traceback.format_exception(raised.value))
        assert SPOKEN not in shown
        assert KEY not in shown
        return raised.value
