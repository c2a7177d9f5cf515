"""Which addresses may be called: https anywhere, plain http to this machine alone."""

import pytest

from adapters.addresses import is_safe

SAFE = [
    *("https://api.identitycall.ai", "https://proxy.example:8443/api", "http://127.0.0.1:8080/api", "http://localhost"),
    *("http://[::1]:8080/", "http://host.docker.internal:4567/api/v1/public"),
]
UNSAFE = [
    *("", "api.example", "ftp://api.example", "file:///etc/secret", "http://api.example", "https://", "https:///api"),
    *("http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://host.docker.internal.evil.example/"),
    *("http://localhost:80@evil.example/", "http://localhost@evil.example/", "http://localhost:0/"),
    *("https://api.example:99999/", "https://api.example:secret/", "https://[::1/", "https://api.example/a b"),
    *("https://api.example/\r\nX: y", "https://äpi.example/"),
]


@pytest.mark.parametrize(("url", "safe"), [*((url, True) for url in SAFE), *((url, False) for url in UNSAFE)])
def test_a_key_never_travels_in_the_clear_beyond_this_machine(url: str, safe: bool) -> None:
    assert is_safe(url) is safe
