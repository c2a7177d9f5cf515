"""The vendor's list of completed recordings: `GET /recordings?status=completed`, one request a page."""

from typing import Final

from adapters.identitycall.client import IdentityCallApi
from domain.discovery.recording_list import COMPLETED, RecordingPage, read_page
from domain.errors import NotAnalysed, NotFound, Refused, Unusable

PER_PAGE: Final = 100
"""The most the API gives."""
_SUBJECT: Final = "The list of recordings"


class RecordingListApi:
    def __init__(self, api: IdentityCallApi) -> None:
        self._api = api

    def prepare(self) -> None:
        self._api.read_key()

    def page(self, number: int) -> RecordingPage:
        """See the port. Raises `Unusable` for answers that only make sense about a single recording, too."""
        try:
            body = self._api.get(f"/recordings?status={COMPLETED}&page={number}&per_page={PER_PAGE}", _SUBJECT)
        except NotFound:
            if number == 1:
                raise Unusable(f"{_SUBJECT} is not at this address (404).") from None
            return RecordingPage(number, total_pages=0)  # Beyond the end, where pages have become fewer.
        except (NotAnalysed, Refused) as error:
            raise Unusable(str(error)) from error
        return read_page(body, number)
