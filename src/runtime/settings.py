"""What the template tells each function, and the only place that reads the environment.

A test compares these names with the template's variables. What an operator changes without a deploy is in Parameter
Store, not here.
"""

import os
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from adapters.addresses import is_safe


def _safe(url: str) -> str:
    if not is_safe(url):
        raise ValueError("must be an https address, or a plain http one of this machine")
    return url


_ApiAddress = Annotated[str, AfterValidator(_safe)]


class _Settings(BaseModel):
    # Each function builds the one of these models that it needs.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    parameter_prefix: Annotated[str, Field(pattern="^/")]
    aws_endpoint_url: str = ""
    """Where the local stack answers; empty on AWS."""

    @classmethod
    def from_environment(cls) -> Self:
        """Each field from the variable of its name in capitals. Raises pydantic's `ValidationError` naming every one
        that is missing or wrong."""
        return cls.model_validate(
            {name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ}
        )


class _TableSettings(_Settings):
    outcome_table_name: str
    outcome_retention_days: Annotated[int, Field(ge=1)]


class EvaluationSettings(_TableSettings):
    """Of the function that evaluates recordings."""

    identitycall_base_url: _ApiAddress
    max_pause_ms: Annotated[int, Field(ge=0)]
    requests_per_minute: Annotated[int, Field(ge=1)]
    alert_topic_arn: str
    event_queue_url: str
    event_dead_letter_queue_url: str


class NotifierSettings(_TableSettings):
    """Of the function that sends alerts to Slack and by e-mail."""

    slack_queue_url: str
    slack_dead_letter_queue_url: str
    email_topic_arn: str
    """Empty where no `AlertEmail` is set."""


class WebhookSettings(_Settings):
    """Of the function that receives webhooks."""

    event_queue_url: str


class DiscoverySettings(_TableSettings):
    """Of the function that discovers new recordings."""

    identitycall_base_url: _ApiAddress
    requests_per_minute: Annotated[int, Field(ge=1)]
    event_queue_url: str
    discovery_lookback_hours: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _outcomes_outlive_the_lookback(self) -> Self:
        """CloudFormation cannot compare two numbers, so the template cannot refuse this."""
        if self.outcome_retention_days * 24 < self.discovery_lookback_hours:
            raise ValueError(
                f"OutcomeRetentionDays ({self.outcome_retention_days} days) is shorter than DiscoveryLookbackHours"
                f" ({self.discovery_lookback_hours} hours): recordings whose outcome has expired would alert again"
            )
        return self


class BacktestSettings(_Settings):
    """Of the function that judges past calls."""

    outcome_table_name: str
