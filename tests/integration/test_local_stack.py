"""A function under `sam local invoke` whose local stack is not running: one sentence says what to do."""

import socket

import pytest

from runtime.local_stack import LocalStackUnreachable, require_local_stack


def test_on_aws_nothing_is_asked() -> None:
    require_local_stack("")


def test_a_running_stack_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        require_local_stack(f"http://127.0.0.1:{listening.getsockname()[1]}")


def test_a_stack_that_is_not_running_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(LocalStackUnreachable) as refused:
        require_local_stack(url)
    assert str(refused.value) == f"Nothing answers at {url}. Start the local stack in another terminal: make up"
    assert refused.value.__suppress_context__  # one line, no chain of tracebacks


@pytest.mark.parametrize("url", ["http://no-such-host.invalid:4569", "nonsense", "http://"])
def test_an_address_that_cannot_exist_is_refused_in_the_same_words(url: str) -> None:
    with pytest.raises(LocalStackUnreachable):
        require_local_stack(url)
