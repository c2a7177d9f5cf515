"""What the operator stored, without Parameter Store."""

from adapters.parameters import Parameters


class FixedParameters(Parameters):
    """Entries as they are put in `stored`; a name that is not there is not stored."""

    def __init__(self, **stored: str) -> None:
        self.stored = {name.replace("_", "-"): value for name, value in stored.items()}

    def __getitem__(self, entry: str) -> str | None:
        return self.stored.get(entry)

    def at_hand(self, entry: str) -> str | None:
        return self[entry]
