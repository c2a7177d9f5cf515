"""IdentityCall at the transport of `requests`: nothing goes over the network."""

from collections.abc import Iterator
from email.utils import formatdate
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import ProtocolError

from tests.simulation.vendor import BASE_URL, Vendor
from tests.simulation.vendor_answers import Answer


class VendorTransport(BaseAdapter):
    """Every request goes to the simulated vendor. In place of a session's `send` it spares hooks and cookies."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__()
        self._vendor = vendor

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        address, mark, rest = (request.url or "").removeprefix(f"{BASE_URL}/recordings").partition("?")
        if request.url is None or not request.url.startswith(f"{BASE_URL}/recordings") or not how.get("timeout"):
            raise BaseException(f"no such request is expected: {request.url} {how}")  # noqa: TRY002
        if mark and not address:
            answer = self._vendor.request_page(rest, request.headers)
        else:
            answer = self._vendor.request(address.removeprefix("/"), request.headers)
        if answer.error:
            raise answer.error(request.url)
        response = requests.Response()
        response.status_code = answer.status
        response.url = request.url
        response.request = request
        if answer.retry_after_s is not None:
            response.headers["Retry-After"] = self._retry_after(answer)
        if answer.location:
            response.headers["Location"] = answer.location
        response.raw = _Body(answer)
        return response

    def _retry_after(self, answer: Answer) -> str:
        wait_s = answer.retry_after_s or 0
        return (
            formatdate(self._vendor._world.now_ms // 1000 + wait_s, usegmt=True)
            if answer.retry_as_date
            else str(wait_s)
        )

    def close(self) -> None:
        pass


class _Body:
    """What `urllib3` gives to read a body from; a cut connection breaks on the way."""

    def __init__(self, answer: Answer) -> None:
        self._cut = answer.cut
        self._body = BytesIO(answer.body)

    def read1(self, size: int, decode_content: bool) -> bytes:  # noqa: ARG002 - nothing here is encoded
        if self._cut:
            raise ProtocolError("Connection broken")
        return self._body.read(size)

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        while part := self.read1(size, decode_content):
            yield part

    def close(self) -> None:
        pass
