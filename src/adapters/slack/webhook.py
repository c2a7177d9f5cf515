"""Slack's incoming webhook: one post a message, and Slack's answers as results or errors of `domain.errors`."""

import logging
import re
from functools import cache
from http.client import HTTPException
from socket import gaierror
from typing import Final
from urllib.error import URLError

from slack_sdk.webhook import WebhookClient, WebhookResponse

from adapters.addresses import is_safe
from adapters.parameters import Parameters
from adapters.retry_after import retry_at_ms
from adapters.slack.message import render
from domain.alerts.alert import Alert
from domain.errors import Refused, SlackUrlInvalid, Throttled, Unavailable
from domain.ports import Clock

WEBHOOK_URL: Final = "slack-webhook-url"
TIMEOUT_S: Final = 8
_WORD: Final = re.compile(r"[a-z_]{1,64}")


class SlackWebhook:
    name = "slack"

    def __init__(self, parameters: Parameters, now_ms: Clock) -> None:
        self._parameters = parameters
        self._now_ms = now_ms

    @property
    def off(self) -> bool:
        return not self._stored_url()

    def send(self, alert: Alert) -> str:
        """Post once.

        Raises `SlackUrlInvalid`, `Throttled`, `Unavailable` (`perhaps_done` where the answer was lost) or `Refused`.
        """
        message = render(alert)
        client = WebhookClient(
            self._url(),
            timeout=TIMEOUT_S,
            # The default handler posts again after a cut connection, which could show the message twice.
            retry_handlers=[],
            logger=_silent(),
        )
        try:
            response = client.send(text=message.text, blocks=message.blocks, unfurl_links=False)
        except URLError as error:
            # urllib wraps what failed before or while sending; with no address or connection nothing was sent.
            sent = not isinstance(error.reason, ConnectionRefusedError | gaierror)
            raise Unavailable(_no_answer(alert, error), perhaps_done=sent) from None
        except (OSError, HTTPException, UnicodeError, LookupError) as error:
            # The last two: the client could not read the answer as text.
            raise Unavailable(_no_answer(alert, error), perhaps_done=True) from None
        return self._answer(alert, response)

    def _answer(self, alert: Alert, response: WebhookResponse) -> str:
        status, word = response.status_code, str(response.body).strip()
        if not _WORD.fullmatch(word):
            word = "unreadable_answer"  # Not Slack's: it could repeat the message, and that must not reach a log.
        if status == 200 and word == "ok":  # noqa: PLR2004
            return word
        what = f"Alert {alert.alert_id} of recording {alert.recording_id}: Slack answered {status} {word}."
        if status == 429:  # noqa: PLR2004
            raise Throttled(what, retry_at_ms(dict(response.headers.items()), self._now_ms()))
        if 400 <= status < 500:  # noqa: PLR2004
            raise Refused(word, what)
        # A 200 without "ok" was cut off, or came from a redirect or a proxy. The post may have arrived.
        raise Unavailable(what, perhaps_done=status < 300)  # noqa: PLR2004

    def _url(self) -> str:
        url = self._stored_url()
        if not is_safe(url):
            raise SlackUrlInvalid("The stored slack-webhook-url is not an https URL.")
        return url

    def _stored_url(self) -> str:
        return (self._parameters[WEBHOOK_URL] or "").strip()


def _no_answer(alert: Alert, error: Exception) -> str:
    kind = type(getattr(error, "reason", error)).__name__
    return f"Alert {alert.alert_id} of recording {alert.recording_id}: no answer from Slack ({kind})."


@cache
def _silent() -> logging.Logger:
    """The client's own log lines would hold the webhook's URL, which is a secret, and the message."""
    logger = logging.getLogger("slack_sdk.webhook.client")
    logger.setLevel(logging.CRITICAL)
    return logger
