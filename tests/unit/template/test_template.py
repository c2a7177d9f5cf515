"""template.yaml passes every check of `walk.py`, and each check finds the faults of broken templates.

Below: patterns of the parameters, and the template against the settings, the runbook and the metrics.
"""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from runtime.settings import DiscoverySettings, EvaluationSettings, SlackSettings, WebhookSettings
from tests.unit.template import walk
from tests.unit.template.reading import Node, Template
from tests.unit.template.walk import Check

PROJECT = Path(__file__).parents[3]
TEMPLATE = Template.read(PROJECT / "template.yaml")
ALARMS = TEMPLATE.of_type("AWS::CloudWatch::Alarm")

DROPPED = object()
"""In a breakage: the entry is taken out."""


# ── The checks, each with broken templates that it must find ───────────────────────────────────────────────

EVALUATION_STATEMENTS = "EvaluationRole/Properties/Policies/0/PolicyDocument/Statement"
SLACK_STATEMENTS = "SlackRole/Properties/Policies/0/PolicyDocument/Statement"
DISCOVERY_STATEMENTS = "DiscoveryRole/Properties/Policies/0/PolicyDocument/Statement"
A_TOPIC = {"Ref": "AlertTopic"}
TIMER_STATEMENTS = "DiscoveryTimerRole/Properties/Policies/0/PolicyDocument/Statement"
AN_EVENT_QUEUE = {"Fn::GetAtt": ["EventQueue", "Arn"]}
SLACK_DEAD_LETTERS = "SlackDeadLetterAlarm/Properties"
SLACK_QUEUE_STATEMENTS = "SlackQueuePolicy/Properties/PolicyDocument/Statement"
WEBHOOK_STATEMENTS = "WebhookRole/Properties/Policies/0/PolicyDocument/Statement"
LEADING_KEYS = "Condition/ForAllValues:StringLike/dynamodb:LeadingKeys"
DASHBOARD = "Dashboard/Properties/DashboardBody/Fn::Sub"
OTHER_PARAMETER = {"Fn::Sub": walk.PARAMETER_ARN + "slack-webhook-url"}

BREAKAGES: dict[Check, list[tuple[str, Any]]] = {
    walk.rules_and_their_dead_letters: [
        ("RecordingAnalyzedRule/Properties/Targets/0/RetryPolicy", DROPPED),
        ("RecordingAnalyzedRule/Properties/Targets/0/DeadLetterConfig", DROPPED),
        ("EventQueuePolicy", DROPPED),
        ("EventDeadLetterQueuePolicy", DROPPED),
        ("EventQueuePolicy/Properties/Queues/0/Ref", "SlackQueue"),
        ("EventQueuePolicy/Properties/PolicyDocument/Statement/0/Effect", "Deny"),
        ("EventQueuePolicy/Properties/PolicyDocument/Statement/0/Condition", DROPPED),
    ],
    walk.timers_and_their_dead_letters: [
        ("DiscoveryTimer/Properties/Target/RetryPolicy", DROPPED),
        ("DiscoveryTimer/Properties/Target/DeadLetterConfig", DROPPED),
        ("DiscoveryTimer/Properties/Target/DeadLetterConfig/Arn", AN_EVENT_QUEUE),
        ("DiscoveryTimer/Properties/Target/Arn/Fn::GetAtt/0", "EvaluationFunction"),
        ("DiscoveryTimer/Properties/Target/RoleArn/Fn::GetAtt/0", "DiscoveryRole"),
        ("DiscoveryTimer/Condition", DROPPED),
        ("DiscoveryTimer/Properties/ScheduleExpression", "rate(5 minutes)"),
        ("/Conditions/DiscoveryOn", {"Fn::Equals": ["a", "b"]}),
        (f"{TIMER_STATEMENTS}/0/Action", "lambda:GetFunction"),
        (f"{TIMER_STATEMENTS}/1", DROPPED),
        ("DiscoveryTimerRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition", DROPPED),
    ],
    walk.queues_and_their_dead_letters: [
        ("DiscoveryDeadLetterQueue/Properties/MessageRetentionPeriod", DROPPED),
        ("SlackQueue/Properties/RedrivePolicy", DROPPED),
        ("EventQueue/Properties/RedrivePolicy/maxReceiveCount", 3),
        ("EventQueue/Properties/MessageRetentionPeriod", 60),
        ("EventDeadLetterQueue/Properties/MessageRetentionPeriod", 345600),
        ("EventDeadLetterQueue/Properties/SqsManagedSseEnabled", DROPPED),
    ],
    walk.functions_and_their_dead_letters: [
        ("DiscoveryFunction/Properties/DeadLetterQueue", DROPPED),
        ("EvaluationFunction/Properties/DeadLetterQueue", DROPPED),
        (f"{EVALUATION_STATEMENTS}/1/Resource/1", DROPPED),
        ("EvaluationFunction/Properties/EventInvokeConfig", DROPPED),
        # A function with a URL and another caller must keep what fails.
        ("WebhookFunction/Properties/Events", {"Timer": {"Type": "ScheduleV2", "Properties": {}}}),
    ],
    walk.subscriptions_and_their_dead_letters: [
        ("SlackSubscription/Properties/RedrivePolicy", DROPPED),
        ("SlackSubscription/Properties/RawMessageDelivery", False),
        ("SlackQueuePolicy", DROPPED),
        ("SlackDeadLetterQueuePolicy", DROPPED),
    ],
    walk.queues_and_their_functions: [
        ("SlackFunction/Properties/Events/SlackQueue/Properties/FunctionResponseTypes", DROPPED),
        ("SlackFunction/Properties/Events/SlackQueue/Properties/ScalingConfig", DROPPED),
        ("SlackFunction/Properties/Events/SlackQueue/Properties/BatchSize", 1000),
        ("EventQueue/Properties/VisibilityTimeout", 179),
        ("SlackQueue/Properties/VisibilityTimeout", DROPPED),
        ("EvaluationFunction/Properties/Timeout", 31),
        (f"{EVALUATION_STATEMENTS}/0/Action/3", DROPPED),
    ],
    walk.roles_name_actions_and_resources: [
        ("SlackRole/Properties/ManagedPolicyArns", ["arn:aws:iam::aws:policy/Any"]),
        (f"{EVALUATION_STATEMENTS}/0/Action", "sqs:*"),
        (f"{EVALUATION_STATEMENTS}/0/Resource", "*"),
        (f"{EVALUATION_STATEMENTS}/0/Resource", {"Fn::Sub": "${EventQueue.Arn}*"}),
        (f"{EVALUATION_STATEMENTS}/0", {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}),
    ],
    walk.the_permissions_boundary_bounds_every_role: [
        ("DiscoveryTimerRole/Properties/PermissionsBoundary", DROPPED),
        ("SlackRole/Properties/PermissionsBoundary", {"Ref": "PermissionsBoundary"}),
    ],
    walk.each_function_has_its_own_role: [
        ("SlackFunction/Properties/Role/Fn::GetAtt/0", "EvaluationRole"),
        ("SlackFunction/Properties/Policies", [{"SQSPollerPolicy": {}}]),
        (f"{EVALUATION_STATEMENTS}/5/Resource/0", OTHER_PARAMETER),
        (f"{WEBHOOK_STATEMENTS}/1/Resource", OTHER_PARAMETER),
    ],
    walk.roles_write_only_their_own_keys: [
        (f"{DISCOVERY_STATEMENTS}/3/Condition", DROPPED),
        (f"{EVALUATION_STATEMENTS}/3/Condition", DROPPED),
        (f"{SLACK_STATEMENTS}/2/Condition", DROPPED),
        (f"{DISCOVERY_STATEMENTS}/3", DROPPED),
        (f"{DISCOVERY_STATEMENTS}/2/Action/0", "dynamodb:PutItem"),
        (f"{DISCOVERY_STATEMENTS}/3/Action/0", "dynamodb:PartiQLInsert"),
        (f"{WEBHOOK_STATEMENTS}/0/Action", "DynamoDB:PutItem"),
        (f"{DISCOVERY_STATEMENTS}/3/{LEADING_KEYS}/0", "RECORDING#*"),
        (f"{DISCOVERY_STATEMENTS}/3/{LEADING_KEYS}/0", "*"),
        (f"{EVALUATION_STATEMENTS}/3/{LEADING_KEYS}/0", DROPPED),
        (f"{SLACK_STATEMENTS}/2/{LEADING_KEYS}", ["RECORDING#*", "BUDGET"]),
        # An operator that one of several keys satisfies, and a condition on something else.
        (f"{SLACK_STATEMENTS}/2/Condition", {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["RECORDING#*"]}}),
        (f"{SLACK_STATEMENTS}/2/Condition", {"ForAllValues:StringLike": {"dynamodb:Attributes": ["RECORDING#*"]}}),
    ],
    walk.the_webhook_keeps_its_url: [
        ("WebhookFunctionUrl", DROPPED),
        ("WebhookFunctionUrl/Properties/AuthType", "AWS_IAM"),
        ("WebhookFunctionUrl/Properties/Cors", {}),
        ("WebhookFunctionUrlPublicPermissions/Properties/FunctionUrlAuthType", DROPPED),
        ("WebhookFunctionURLInvokeAllowPublicAccess/Properties/InvokedViaFunctionUrl", DROPPED),
        ("AnotherPermission", {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": "*"}}),
    ],
    walk.the_webhook_exists_only_where_on: [
        *((f"{resource}/Condition", DROPPED) for resource in TEMPLATE.resources if resource.startswith("Webhook")),
        ("/Conditions/WebhookOn/Fn::Equals/1", "off"),
        ("/Conditions/WebhookOn/Fn::Equals/1", "yes"),
        ("/Parameters/Webhook/AllowedValues", [False, True]),
    ],
    walk.references_exist_with_all_parameters: [
        ("WebhookErrorsAlarm/Condition", DROPPED),
        ("/Outputs/WebhookUrl/Condition", DROPPED),
        (f"{DASHBOARD}/1/WebhookAlarms/Fn::If/0", "DiscoveryOn"),
        ("DiscoveryTimerRole/Condition", "WebhookOn"),
    ],
    walk.public_functions_are_limited: [
        ("WebhookFunction/Properties/FunctionUrlConfig", {"AuthType": "NONE"}),
        ("WebhookFunction/Properties/ReservedConcurrentExecutions", 5),
        ("WebhookFunction/Properties/ReservedConcurrentExecutions", DROPPED),
        ("/Conditions/HasWebhookConcurrency", {"Fn::Equals": ["a", "b"]}),
        (f"{WEBHOOK_STATEMENTS}/0/Action", ["sqs:SendMessage", "sns:Publish"]),
    ],
    walk.resource_policies_name_service_and_source: [
        ("SlackQueuePolicy/Properties/PolicyDocument/Statement/0/Principal", {"AWS": "*"}),
        ("SlackQueuePolicy/Properties/PolicyDocument/Statement/0/Resource", {"Fn::GetAtt": ["EventQueue", "Arn"]}),
        ("OperationsTopicPolicy/Properties/PolicyDocument/Statement/0/Condition", DROPPED),
    ],
    walk.queues_and_topics_require_tls: [
        *(
            (policy, DROPPED)
            for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
            for policy in TEMPLATE.of_type(kind)
        ),
        (f"{SLACK_QUEUE_STATEMENTS}/1", DROPPED),
        (f"{SLACK_QUEUE_STATEMENTS}/1/Effect", "Allow"),
        (f"{SLACK_QUEUE_STATEMENTS}/1/Action", "sqs:SendMessage"),
        (f"{SLACK_QUEUE_STATEMENTS}/1/Principal", {"Service": "sns.amazonaws.com"}),
        (f"{SLACK_QUEUE_STATEMENTS}/1/Resource", AN_EVENT_QUEUE),
        (f"{SLACK_QUEUE_STATEMENTS}/1/Condition", {}),
        ("AnotherPolicy", TEMPLATE.resources["SlackQueuePolicy"]),
    ],
    walk.table_is_kept_and_encrypted: [
        ("OutcomeTable", DROPPED),
        ("OutcomeTable/DeletionPolicy", "Retain"),
        ("OutcomeTable/DeletionPolicy", "Delete"),
        ("OutcomeTable/UpdateReplacePolicy", DROPPED),
        ("OutcomeTable/Properties/TimeToLiveSpecification/AttributeName", "ttl"),
        ("OutcomeTable/Properties/SSESpecification/SSEEnabled", False),
        ("OutcomeTable/Properties/DeletionProtectionEnabled", False),
    ],
    walk.two_stacks_live_side_by_side: [
        ("Dashboard/Properties/DashboardName", "identitycall-alerts"),
        ("SlackQueue/Properties/QueueName", {"Fn::Sub": "${Stage}-slack"}),
    ],
    walk.topics_are_encrypted_where_alarms_allow_it: [
        ("AlertTopic/Properties/KmsMasterKeyId", DROPPED),
        ("OperationsTopic/Properties/KmsMasterKeyId", "alias/aws/sns"),
    ],
    walk.functions_are_set_up_alike: [
        ("SlackFunction/Properties/RecursiveLoop", "Terminate"),
        ("SlackFunction/Properties/MemorySize", 128),
        ("SlackFunction/Properties/LoggingConfig", DROPPED),
        ("SlackLogGroup", DROPPED),
        ("WebhookFunction/Properties/LoggingConfig/SystemLogLevel", "INFO"),
        (f"{EVALUATION_STATEMENTS}/6/Action", ["logs:CreateLogStream"]),
    ],
    walk.alarms_ring_and_explain: [
        ("OldestEventAlarm/Properties/AlarmDescription", "An event has waited."),
        ("OldestEventAlarm/Properties/TreatMissingData", DROPPED),
        ("OldestEventAlarm/Properties/AlarmActions", [A_TOPIC]),
        ("OperationsTopicPolicy", DROPPED),
        ("DiscoveryStoppedAlarm/Properties/TreatMissingData", "notBreaching"),
    ],
    walk.every_new_dead_letter_rings: [
        *((alarm, DROPPED) for alarm in ALARMS if "DeadLetter" in alarm),
        (f"{SLACK_DEAD_LETTERS}/Metrics/0/Expression", "depth"),
        (f"{SLACK_DEAD_LETTERS}/Metrics/0/Expression", "DIFF(depth)"),
        (f"{SLACK_DEAD_LETTERS}/Metrics/1/ReturnData", True),
        (f"{SLACK_DEAD_LETTERS}/DatapointsToAlarm", DROPPED),
        (f"{SLACK_DEAD_LETTERS}/OKActions", DROPPED),
        (f"{SLACK_DEAD_LETTERS}/Threshold", 1),
    ],
    walk.stopped_timers_ring: [
        ("DiscoveryStoppedAlarm", DROPPED),
        ("DiscoveryStoppedAlarm/Condition", DROPPED),
        ("DiscoveryStoppedAlarm/Properties/Dimensions/0/Value/Ref", "EvaluationFunction"),
        ("DiscoveryStoppedAlarm/Properties/DatapointsToAlarm", 1),
    ],
    walk.the_required_alarms_exist: [
        *((alarm, DROPPED) for alarm in ALARMS if "DeadLetter" not in alarm and alarm != "DiscoveryStoppedAlarm"),
        ("OldestEventAlarm/Properties/Threshold", 18000),
        ("NoDestinationAlarm/Properties/Dimensions/1", DROPPED),
    ],
    walk.the_dashboard_shows_metrics_queues_and_alarms: [
        (f"{DASHBOARD}/0", '{"widgets": ['),
        (f"{DASHBOARD}/0", '{"widgets": []}'),
        (f"{DASHBOARD}/1/WebhookAlarms/Fn::If/2", ","),
        (f"{DASHBOARD}/1/WebhookAlarms/Fn::If/1", ""),
        (f"{DASHBOARD}/1/TimerAlarm/Fn::If/1", ""),
        ("AnotherAlarm", {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}),
    ],
    walk.parameters_and_outputs_of_the_contract: [
        ("/Parameters/RequestsPerMinute", DROPPED),
        ("/Parameters/PythonRuntime/Default", "python3.12"),
        ("/Parameters/LogLevel", {"Type": "String"}),
        ("/Parameters/AlertEmail/ConstraintDescription", DROPPED),
        ("/Outputs/AlertTopicArn", DROPPED),
        ("/Outputs/WebhookUrl", DROPPED),
        ("/Outputs/DiscoveryFunctionName", DROPPED),
        ("/Parameters/DiscoverySchedule/Default", "off"),
        ("/Outputs/AlertTopicArn/Value/Ref", "OperationsTopic"),
    ],
    walk.the_output_says_when_alerts_reach_nobody: [
        ("/Outputs/Notifications", DROPPED),
        ("/Outputs/Notifications/Value/Fn::If/2", "all is well"),
        ("/Outputs/Notifications/Value/Fn::If/2/Fn::Sub", "ALERTS REACH NOBODY."),
    ],
}


@pytest.mark.parametrize("check", BREAKAGES, ids=lambda check: check.__name__)
def test_the_template_has_no_fault(check: Check) -> None:
    assert check(TEMPLATE) == []


def broken(path: str, value: Any) -> Template:
    """The real template with one entry replaced or dropped; the path starts at Resources, with a slash at the top."""
    document: Node = copy.deepcopy(TEMPLATE.document)
    *parents, last = path[1:].split("/") if path.startswith("/") else ["Resources", *path.split("/")]
    node: Any = document
    for parent in parents:
        node = node[int(parent) if isinstance(node, list) else parent]
    key = int(last) if isinstance(node, list) else last
    if value is DROPPED:
        del node[key]
    else:
        node[key] = value
    return Template(document)


@pytest.mark.parametrize(
    ("check", "path", "value"),
    [(check, path, value) for check, breakages in BREAKAGES.items() for path, value in breakages],
)
def test_a_check_finds_the_broken_entry(check: Check, path: str, value: Any) -> None:
    assert check(broken(path, value)) != []


# ── The address of the API ──────────────────────────────────────────────────────────────────────────────────

BASE_URL = TEMPLATE.parameters["IdentityCallBaseUrl"]["AllowedPattern"]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.identitycall.ai/api/v1/public",
        "https://api.identitycall.com",
        "https://proxy.example:8443/identitycall/",
        "http://127.0.0.1:8080/api/v1/public",
        "http://localhost",
        "http://host.docker.internal:4567/api/v1/public",
    ],
)
def test_an_https_address_or_this_machine_is_taken(url: str) -> None:
    assert re.fullmatch(BASE_URL, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.identitycall.ai/api/v1/public",  # the key would travel in the clear
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "http://localhost@example.com/",
        "http://host.docker.internal.example/",
        "https://user:password@api.identitycall.ai/",
        "https://api.identitycall.ai/api?x=1",
        "https://api.identitycall.ai/api#x",
        "https:///api",
        "ftp://127.0.0.1/",
        "",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    assert not re.fullmatch(BASE_URL, url)


# ── The schedule of discovery, and the alarm that watches it ─────────────────────────────────────────────────

SCHEDULE = TEMPLATE.parameters["DiscoverySchedule"]["AllowedPattern"]
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

WATCHED = [
    ("rate(1 minute)", 180, 1),
    ("rate(5 minutes)", 180, 5),
    ("rate(99 minutes)", 180, 99),
    ("rate(399 minutes)", 180, 399),
    ("rate(480 minutes)", 180, 480),
    ("rate(1 hour)", 10800, 1),
    ("rate(56 hours)", 10800, 56),
    ("rate(1 day)", 10800, 24),
    ("rate(2 days)", 10800, 48),
    ("cron(0 6 * * ? *)", 10800, 56),
    ("cron(0/15 8-18 ? * MON-FRI *)", 10800, 56),
]
"""A schedule, the alarm's period in seconds, and how many of them in a row must be silent."""


def watching(schedule: str) -> tuple[str, str]:
    alarm = ALARMS["DiscoveryStoppedAlarm"]
    period, count = (
        TEMPLATE.resolved(alarm[key], DiscoverySchedule=schedule) for key in ("Period", "EvaluationPeriods")
    )
    return period, count


@pytest.mark.parametrize(("schedule", "period_s", "count"), WATCHED)
def test_a_schedule_is_watched_for_three_of_its_periods_or_a_week(schedule: str, period_s: int, count: int) -> None:
    assert re.fullmatch(SCHEDULE, schedule)
    assert watching(schedule) == (str(period_s), str(count))


@pytest.mark.parametrize(
    ("unit", "unit_s", "longest"), [("minute", MINUTE_S, 480), ("hour", HOUR_S, 56), ("day", DAY_S, 2)]
)
def test_cloudwatch_can_watch_every_rate_that_is_taken(unit: str, unit_s: int, longest: int) -> None:
    rates = {number: f"rate({number} {unit}{'s' if number > 1 else ''})" for number in range(1500)}
    taken = [number for number, rate in rates.items() if re.fullmatch(SCHEDULE, rate)]
    assert taken == list(range(1, longest + 1))
    for number in taken:
        period_s, count = map(int, watching(rates[number]))
        assert period_s * count == 3 * number * unit_s <= (DAY_S if period_s < HOUR_S else 7 * DAY_S)


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "on", "false", "rate()", "rate(0 minutes)", "rate(5)"),
        *("rate(5 weeks)", "rate(5  minutes)", "rate(05 days)"),
        *("rate(481 minutes)", "rate(57 hours)", "rate(3 days)", "rate(5 minutes) "),
        *("cron()", "cron(x)", "cron(0 6 * * ?)", "cron(0 6 * * ? * *)", "at(2026-11-24T09:00:00)"),
    ],
)
def test_any_other_schedule_is_refused(schedule: str) -> None:
    assert not re.fullmatch(SCHEDULE, schedule)


def test_without_a_schedule_there_is_neither_timer_nor_alarm() -> None:
    assert re.fullmatch(SCHEDULE, "off")
    assert TEMPLATE.resources.keys() - TEMPLATE.present(
        Webhook="on", DiscoverySchedule="off", AlertEmail="a@example.com", OperationsEmail="a@example.com"
    ).keys() == {"DiscoveryTimer", "DiscoveryStoppedAlarm"}
    watching("off")  # what CloudFormation works out all the same does not fail


# ── The boundary of every role ──────────────────────────────────────────────────────────────────────────────

BOUNDARY = TEMPLATE.parameters["PermissionsBoundary"]["AllowedPattern"]


@pytest.mark.parametrize(
    "arn",
    ["", "arn:aws:iam::123456789012:policy/team/boundary_1", "arn:aws-cn:iam::aws:policy/PowerUserAccess"],
)
def test_a_policy_or_none_is_taken_as_boundary(arn: str) -> None:
    assert re.fullmatch(BOUNDARY, arn)


@pytest.mark.parametrize(
    "arn",
    ["boundary", "arn:aws:iam::123456789012:role/boundary", "arn:aws:iam::123:policy/x", "arn:aws:iam::aws:policy/"],
)
def test_nothing_else_is_taken_as_boundary(arn: str) -> None:
    assert not re.fullmatch(BOUNDARY, arn)


# ── The template against what it speaks of ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        ("EvaluationFunction", EvaluationSettings),
        ("SlackFunction", SlackSettings),
        ("WebhookFunction", WebhookSettings),
        ("DiscoveryFunction", DiscoverySettings),
    ],
)
def test_a_function_is_given_exactly_the_settings_it_reads(function: str, settings: type[BaseModel]) -> None:
    given = TEMPLATE.functions[function]["Environment"]["Variables"].keys()
    powertools = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}  # read by Powertools itself
    assert given >= powertools
    assert given - powertools == {name.upper() for name in settings.model_fields}


@pytest.mark.parametrize("function", TEMPLATE.functions)
def test_a_function_s_handler_is_there(function: str) -> None:
    module, _, name = TEMPLATE.functions[function]["Handler"].rpartition(".")
    source = PROJECT / "src" / f"{module.replace('.', '/')}.py"
    assert re.search(rf"^def {name}\(", source.read_text(encoding="utf-8"), re.MULTILINE)


def anchors(markdown: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+?)\s*$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("alarm", ALARMS)
def test_the_runbook_has_the_page_an_alarm_names(alarm: str) -> None:
    runbook = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert walk.runbook_anchor(ALARMS[alarm]) in anchors(runbook)


OUR_METRICS = [alarm for alarm, properties in ALARMS.items() if properties.get("Namespace") == "IdentityCallAlerts"]


@pytest.mark.parametrize("alarm", OUR_METRICS)
def test_the_functions_emit_what_an_alarm_watches(alarm: str) -> None:
    properties = ALARMS[alarm]
    words = [value for name, value in walk.dimensions(properties).items() if name != "service"]
    source = "\n".join(file.read_text(encoding="utf-8") for file in (PROJECT / "src").rglob("*.py"))
    assert [w for w in [properties["MetricName"], *words] if f'"{w}"' not in source] == []
