"""Before `make run` judges real recordings: does the API answer with this key? If not, say what answered, at once."""

from __future__ import annotations

import socket
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from cli.template_parameters import read_parameters
from local.places import TEMPLATE

CONNECT_SECONDS, READ_SECONDS = 5, 15

_MEANINGS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the key is unknown, revoked or expired. Is it the right one for this address?",
    HTTPStatus.FORBIDDEN: "the key lacks the read permission. Make one that has it.",
    HTTPStatus.NOT_FOUND: "there is no such API at this address. Is its path right?",
}


class _Key(AuthBase):
    """The key as the only credential: `requests` would prefer an entry of ~/.netrc to a plain header."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def trouble(api_url: str, api_key: str) -> str | None:
    """Why no recording can be judged, with the request that was tried; None if all can. Costs one request.

    The key is sent to no address that the product itself would refuse.
    """
    address = next(each for each in read_parameters(TEMPLATE) if each.name == "IdentityCallBaseUrl")
    if refused := address.fault(api_url):
        return f"API_URL {refused}; it is {api_url}."
    url = f"{api_url.rstrip('/')}/recordings?per_page=1"
    try:
        answer = requests.get(
            url,
            auth=_Key(api_key),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return f"GET {url} got no answer: {_reason(url, error)}"
    if answer.status_code == HTTPStatus.OK:
        return None if _is_json(answer) else f"GET {url} was not answered with JSON. Is it the API's address?"
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return None  # The stack waits that out.
    if answer.is_redirect:
        return f"GET {url} was sent on to {answer.headers['Location']}. Give that address as API_URL."
    meaning = _MEANINGS.get(answer.status_code, "the API does not work just now. Try again later.")
    return f"GET {url} was answered with {answer.status_code}: {meaning}"


def _reason(url: str, error: requests.RequestException) -> str:
    host = urlsplit(url).hostname
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return f"there is no host named {host}."
    match error:
        case requests.Timeout():
            return f"nothing came within {CONNECT_SECONDS} s to connect and {READ_SECONDS} s to answer."
        case requests.exceptions.SSLError():
            return "its certificate cannot be verified."
        case requests.ConnectionError():
            return f"{host} refused the connection or cut it."
        case _:
            return f"{type(error).__name__}."


def _is_json(answer: requests.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True
