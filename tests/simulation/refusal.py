"""What the real service would refuse for good: an error in the simulator or in the adapter."""


def require(holds: object, what: str) -> None:
    if not holds:
        raise BaseException(what)  # noqa: TRY002 - nothing may catch it
