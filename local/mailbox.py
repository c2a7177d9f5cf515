"""What `AlertEmail` gets on this machine. The emulator sends no mail, so a queue listens at the e-mail topic."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

ADDRESS = "supervisors@example.com"
_ABOUT = re.compile(r"^Recording (\d+)[.:]", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str

    @classmethod
    def of(cls, envelope: str) -> Mail:
        """Read the body of a message that SNS put into the queue, with its envelope around it."""
        read = json.loads(envelope)
        return cls(read["Subject"], read["Message"])

    @property
    def recording_id(self) -> int:
        """The recording that it is about, as its closing lines say."""
        about = _ABOUT.search(self.text)
        if not about:
            raise ValueError(f"The mail names no recording: {self.subject}")
        return int(about[1])
