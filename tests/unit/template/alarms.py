"""Alarms ring where something is wrong, say what to do, and are on the dashboard."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.unit.template.checking import ALARMS, DROPPED, finds
from tests.unit.template.reading import Node, Template, texts

DASHBOARD = "Dashboard/Properties/DashboardBody/Fn::Sub"
SLACK_DEAD_LETTERS = "SlackDeadLetterAlarm/Properties"

VARIANTS = [
    {"Webhook": webhook, "DiscoverySchedule": schedule, "AWS::AccountId": account}
    for webhook, schedule, account in itertools.product(
        ("off", "on"), ("off", "rate(5 minutes)"), ("AWS::AccountId", "123456789012")
    )
]
"""The parameters that decide which alarms there are."""


def _alarms(template: Template) -> dict[str, Node]:
    return template.of_type("AWS::CloudWatch::Alarm")


def runbook_anchor(alarm: Node) -> str | None:
    """Where in docs/operations.md an alarm's description sends its reader."""
    description = " ".join(texts(alarm.get("AlarmDescription", "")))
    found = re.search(r"Read on: docs/operations\.md#([a-z0-9-]+)$", description)
    return found[1] if found else None


def dimensions(alarm: Node) -> dict[str, Any]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


@finds(
    ("OldestEventAlarm/Properties/AlarmDescription", "An event has waited."),
    ("OldestEventAlarm/Properties/TreatMissingData", DROPPED),
    ("OldestEventAlarm/Properties/AlarmActions", [{"Ref": "AlertTopic"}]),
    ("OperationsTopicPolicy", DROPPED),
    ("DiscoveryStoppedAlarm/Properties/TreatMissingData", "notBreaching"),
)
def alarms_ring_and_explain(template: Template) -> Iterator[str]:
    for name, alarm in _alarms(template).items():
        if runbook_anchor(alarm) is None:
            yield f"{name} does not say where to read on"
        missing_data = "breaching" if alarm["ComparisonOperator"] == "LessThanThreshold" else "notBreaching"
        if alarm.get("TreatMissingData") != missing_data:
            yield f"{name} does not treat missing data as {missing_data}"
        if [template.arn_of(action) for action in alarm["AlarmActions"]] != ["OperationsTopic"]:
            yield f"{name} does not notify OperationsTopic"
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    policies = template.of_type("AWS::SNS::TopicPolicy").values()
    if not any(s["Principal"] == cloudwatch for policy in policies for s in policy["PolicyDocument"]["Statement"]):
        yield "alarms may not publish to their topic"


@finds(
    *((alarm, DROPPED) for alarm in ALARMS if "DeadLetter" not in alarm and alarm != "DiscoveryStoppedAlarm"),
    ("OldestEventAlarm/Properties/Threshold", 18000),
    ("NoDestinationAlarm/Properties/Dimensions/1", DROPPED),
)
def the_required_alarms_exist(template: Template) -> Iterator[str]:
    def ours(function: str, metric: str, threshold: int = 0, **others: str) -> tuple[Any, ...]:
        service = template.functions[function]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        return "IdentityCallAlerts", metric, {"service": service, **others}, threshold

    def lambdas(function: str, metric: str) -> tuple[Any, ...]:
        return "AWS/Lambda", metric, {"FunctionName": {"Ref": function}}, 0

    def age(queue: str) -> tuple[Any, ...]:
        return "AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}, 1800

    wanted = [
        *(age(queue) for queue in template.queues.keys() - template.dead_letter_queues),
        # An operator waits for a backtest, and hears of its failure there.
        *(lambdas(function, "Errors") for function in template.functions.keys() - template.tasks),
        lambdas("WebhookFunction", "Throttles"),
        ours("WebhookFunction", "WebhooksReceived", status="503"),
        ours("WebhookFunction", "WebhooksReceived", 5, status="401"),
        *(ours("DiscoveryFunction", metric) for metric in ("RecordingsMissed", "DiscoveryRefused", "DiscoveryBehind")),
        *(ours("EvaluationFunction", metric) for metric in ("OperatorNeeded", "DeferredOverAnHour", "RecordsFailed")),
        *(ours("SlackFunction", metric) for metric in ("OperatorNeeded", "DeferredOverAnHour", "RecordsFailed")),
        ours("SlackFunction", "NotificationsFailed", destination="slack", reason="no_destination"),
    ]
    watched = [
        (alarm["Namespace"], alarm["MetricName"], dimensions(alarm), alarm["Threshold"])
        for alarm in _alarms(template).values()
        if alarm["ComparisonOperator"] == "GreaterThanThreshold" and "MetricName" in alarm
    ]
    yield from (f"no alarm watches {want}" for want in wanted if want not in watched)


@finds(
    *((alarm, DROPPED) for alarm in ALARMS if "DeadLetter" in alarm),
    (f"{SLACK_DEAD_LETTERS}/Metrics/0/Expression", "depth"),
    (f"{SLACK_DEAD_LETTERS}/Metrics/0/Expression", "DIFF(depth)"),
    (f"{SLACK_DEAD_LETTERS}/Metrics/1/ReturnData", True),
    (f"{SLACK_DEAD_LETTERS}/DatapointsToAlarm", DROPPED),
    (f"{SLACK_DEAD_LETTERS}/OKActions", DROPPED),
    (f"{SLACK_DEAD_LETTERS}/Threshold", 1),
)
def every_new_dead_letter_rings(template: Template) -> Iterator[str]:
    def watches_growth(alarm: Node, queue: str | None) -> bool:
        depth = {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}],
        }
        return alarm.get("Metrics") == [
            {"Id": "added", "Expression": "DIFF(FILL(depth, 0))", "Label": "Dead letters added"},
            {"Id": "depth", "ReturnData": False, "MetricStat": {"Period": 300, "Stat": "Maximum", "Metric": depth}},
        ]

    ringing = [
        alarm
        for alarm in _alarms(template).values()
        if (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        and (alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm")) == (3, 1)
        and alarm.get("OKActions") == alarm["AlarmActions"]
    ]
    for queue in template.dead_letter_queues:
        if not any(watches_growth(alarm, queue) for alarm in ringing):
            yield f"a dead letter that comes to {queue} beside another one does not ring"


@finds(
    ("DiscoveryStoppedAlarm", DROPPED),
    ("DiscoveryStoppedAlarm/Condition", DROPPED),
    ("DiscoveryStoppedAlarm/Properties/Dimensions/0/Value/Ref", "EvaluationFunction"),
    ("DiscoveryStoppedAlarm/Properties/DatapointsToAlarm", 1),
)
def stopped_timers_ring(template: Template) -> Iterator[str]:
    watched = [
        (template.resources[name].get("Condition"), dimensions(alarm))
        for name, alarm in _alarms(template).items()
        if (alarm.get("Namespace"), alarm.get("MetricName")) == ("AWS/Lambda", "Invocations")
        and (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == ("Sum", "LessThanThreshold", 1)
        and "DatapointsToAlarm" not in alarm
    ]
    for name, timer in template.timers.items():
        function = {"FunctionName": {"Ref": template.arn_of(timer["Target"]["Arn"])}}
        if (template.resources[name].get("Condition"), function) not in watched:
            yield f"no alarm says that {name} has stopped"


@finds(
    (f"{DASHBOARD}/0", '{"widgets": ['),
    (f"{DASHBOARD}/0", '{"widgets": []}'),
    (f"{DASHBOARD}/1/WebhookAlarms/Fn::If/2", ","),
    (f"{DASHBOARD}/1/WebhookAlarms/Fn::If/1", ""),
    (f"{DASHBOARD}/1/TimerAlarm/Fn::If/1", ""),
    ("AnotherAlarm", {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}),
)
def the_dashboard_shows_queues_and_alarms(template: Template) -> Iterator[str]:
    for parameters in VARIANTS:
        present = template.present(**parameters)
        try:
            text = json.dumps(json.loads(present["Dashboard"]["Properties"]["DashboardBody"])["widgets"])
        except ValueError as error:
            yield f"the dashboard is not JSON with {parameters}: {error}"
            continue
        alarms = [name for name, resource in present.items() if resource["Type"] == "AWS::CloudWatch::Alarm"]
        wanted = [*(f"${{{q}.QueueName}}" for q in template.queues), *(f"${{{alarm}.Arn}}" for alarm in alarms)]
        yield from (f"the dashboard does not show {name} with {parameters}" for name in wanted if name not in text)
