"""The errors of a call to SNS, as the domain's."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions

from domain.alerts.alert import Alert
from domain.errors import Throttled, Unavailable


@contextmanager
def errors_of_sns(alert: Alert, what: str, *, may_send: bool) -> Iterator[None]:
    """Raise the domain's `Throttled` or `Unavailable` in place of the transient errors of the call inside.

    `what` happened to the alert, for people. `may_send`: the call can send it, so a lost answer is `perhaps_done`.
    Refusals that last, such as a missing permission, pass on as botocore's errors.
    """
    about = f"Alert {alert.alert_id} of recording {alert.recording_id}: {what}"
    try:
        yield
    except exceptions.ConnectionError as error:
        raise Unavailable(f"{about}; no connection to SNS ({type(error).__name__}).") from None
    except exceptions.HTTPClientError as error:
        raise Unavailable(f"{about}; no answer from SNS ({type(error).__name__}).", perhaps_done=may_send) from None
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if "Throttl" in code:
            raise Throttled(f"{about}; SNS answered {code}.") from None
        if status >= 500:  # noqa: PLR2004
            raise Unavailable(f"{about}; SNS answered {code}.") from None
        raise
