"""Checks of template.yaml that neither cfn-lint nor checkov makes. Each returns the faults it finds, as sentences.

The checks read the SAM template itself, before SAM transforms it. `test_template.py` expects no fault in the real
template, and at least one in each of a list of broken templates.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.unit.template.reading import Node, Template, listed, texts

Check = Callable[[Template], list[str]]

PARAMETER_ARN = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/"
"""With an entry's name behind it."""

OWN_PARAMETERS = {
    "EvaluationFunction": {"api-key", "rules"},
    "SlackFunction": {"slack-webhook-url"},
    "WebhookFunction": {"webhook-secret"},
    "DiscoveryFunction": {"api-key"},
}
"""The entries of Parameter Store that each function may read."""

OWN_KEYS = {
    "EvaluationFunction": {"RECORDING#*", "ALIAS#*", "MARK#*", "BUDGET"},
    "SlackFunction": {"RECORDING#*"},
    "DiscoveryFunction": {"MARK#*", "DISCOVERY", "BUDGET"},
}
"""The partition keys of the outcome table that each function may write, as IAM's `StringLike` has them."""

TABLE_READS = {"dynamodb:BatchGetItem", "dynamodb:GetItem"}
KEYED_WRITES = {f"dynamodb:{name}" for name in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")}
"""Writes whose requests name the partition key of each item, so that `dynamodb:LeadingKeys` is never absent."""

PUBLIC_ACTIONS = {"sqs:SendMessage", "ssm:GetParameters", "logs:CreateLogStream", "logs:PutLogEvents"}
"""All that a function with a public URL may do."""

URL_RESOURCES: dict[str, tuple[str, Node]] = {
    "WebhookFunctionUrl": (
        "AWS::Lambda::Url",
        {"TargetFunctionArn": {"Ref": "WebhookFunction"}, "AuthType": "NONE"},
    ),
    "WebhookFunctionUrlPublicPermissions": (
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionName": {"Ref": "WebhookFunction"},
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        },
    ),
    "WebhookFunctionURLInvokeAllowPublicAccess": (
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "WebhookFunction"},
            "Principal": "*",
            "InvokedViaFunctionUrl": True,
        },
    ),
}
"""Id, type and properties as aws-sam-translator 1.115 made them from `FunctionUrlConfig: {AuthType: NONE}`. With other
ids an update would give a new URL to a stack that has one."""

VARIANTS: dict[str, tuple[str, str]] = {
    "Webhook": ("off", "on"),
    "DiscoverySchedule": ("off", "rate(5 minutes)"),
    "AlertEmail": ("", "team@example.com"),
    "OperationsEmail": ("", "team@example.com"),
    "AWS::AccountId": ("AWS::AccountId", "123456789012"),
}
"""The parameters that decide which resources there are."""

THIS_ACCOUNT = {"Ref": "AWS::AccountId"}
RETRIES = {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}
DAY = 24 * 60 * 60


# ── Dead letters and retries ────────────────────────────────────────────────────────────────────────────────


def _faults_of_route(template: Template, source: str, service: str, queue: Any, dead_letters: Any) -> list[str]:
    """Faults of what a service sends for a source: to a queue, and to the dead-letter queue when that fails."""
    faults = []
    if template.arn_of(dead_letters) not in template.dead_letter_queues:
        faults.append(f"{source} has no dead-letter queue")
    return faults + [
        f"{service} may not send to {template.arn_of(arn)} for {source}"
        for arn in (queue, dead_letters)
        if not template.lets_send(template.arn_of(arn), service, source)
    ]


def rules_and_their_dead_letters(template: Template) -> list[str]:
    faults = []
    for rule, properties in template.of_type("AWS::Events::Rule").items():
        for target in properties["Targets"]:
            dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
            faults += _faults_of_route(template, rule, "events.amazonaws.com", target["Arn"], dead_letters)
            if target.get("RetryPolicy", {}).keys() != RETRIES:
                faults.append(f"{rule} has no explicit retry policy")
    return faults


def subscriptions_and_their_dead_letters(template: Template) -> list[str]:
    faults = []
    for name, properties in template.of_type("AWS::SNS::Subscription").items():
        if properties["Protocol"] == "email":
            continue  # a queue cannot stand in for a mailbox
        if properties["Protocol"] != "sqs" or properties.get("RawMessageDelivery") is not True:
            faults.append(f"{name} does not deliver raw messages to a queue")
        topic = template.arn_of(properties["TopicArn"]) or ""
        dead_letters = properties.get("RedrivePolicy", {}).get("deadLetterTargetArn")
        faults += _faults_of_route(template, topic, "sns.amazonaws.com", properties["Endpoint"], dead_letters)
    return faults


def timers_and_their_dead_letters(template: Template) -> list[str]:
    faults = []
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": THIS_ACCOUNT}},
    }
    for name, timer in template.timers.items():
        target = timer["Target"]
        starter = {"Role": target["RoleArn"]}
        function, role = template.arn_of(target["Arn"]) or "", template.arn_of(target["RoleArn"]) or ""
        dead_letters = template.arn_of(target.get("DeadLetterConfig", {}).get("Arn")) or ""
        if template.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"] != [trust]:
            faults.append(f"{name} has no role of its own, for Scheduler in this account alone")
        if not template.role_allows(starter, "lambda:InvokeFunction", function):
            faults.append(f"{name} may not invoke its target {function}")
        if target.get("RetryPolicy", {}).keys() != RETRIES:
            faults.append(f"{name} has no explicit retry policy")
        if "RedrivePolicy" in template.queues.get(dead_letters, {"RedrivePolicy": "no such queue"}):
            faults.append(f"{name} has no dead-letter queue")
        elif not template.role_allows(starter, "sqs:SendMessage", dead_letters):
            faults.append(f"{name} may not send to its dead-letter queue {dead_letters}")
        parameter = timer["ScheduleExpression"]
        if not _is_switched_off_by(template, template.resources[name].get("Condition"), parameter, "off"):
            faults.append(f"no parameter says when {name} runs, with off for never")
    return faults


def _is_switched_off_by(template: Template, condition: Any, parameter: Any, value: str) -> bool:
    """Whether a condition holds unless this parameter has this value."""
    wanted = {"Fn::Not": [{"Fn::Equals": [parameter, value]}]}
    return isinstance(parameter, dict) and template.document["Conditions"].get(condition) == wanted


def queues_and_their_dead_letters(template: Template) -> list[str]:
    faults = []
    for name, queue in template.queues.items():
        last = name in template.dead_letter_queues
        redrive = queue.get("RedrivePolicy", {})
        if not last and template.arn_of(redrive.get("deadLetterTargetArn")) not in template.queues:
            faults.append(f"{name} has no dead-letter queue")
        if not last and redrive.get("maxReceiveCount") != 5:
            faults.append(f"{name} does not end after five receives")
        if queue.get("MessageRetentionPeriod") != (14 if last else 4) * DAY:
            faults.append(f"{name} does not keep messages for {14 if last else 4} days")
        if queue.get("SqsManagedSseEnabled") is not True:
            faults.append(f"{name} is not under SQS-managed encryption")
    return faults


def answers_its_caller(template: Template, name: str) -> bool:
    """Whether only its URL calls a function. Such a caller learns of a failure and sends again, so that a dead-letter
    queue would stay empty. Where Lambda itself calls, a dead-letter queue must keep failed events."""
    return name in template.public_functions and not template.functions[name].get("Events")


def functions_and_their_dead_letters(template: Template) -> list[str]:
    faults = []
    for name, function in template.functions.items():
        if answers_its_caller(template, name):
            continue
        dead_letters = template.arn_of(function.get("DeadLetterQueue", {}).get("TargetArn"))
        if dead_letters not in template.dead_letter_queues:
            faults.append(f"{name} has no dead-letter queue for failed direct invocations")
        elif not template.role_allows(function, "sqs:SendMessage", dead_letters or ""):
            faults.append(f"{name} may not send to its dead-letter queue {dead_letters}")
        if function.get("EventInvokeConfig", {}).keys() != RETRIES:
            faults.append(f"{name} does not say how direct invocations are retried, or sends on an envelope")
    return faults


def queues_and_their_functions(template: Template) -> list[str]:
    faults = []
    for name, function in template.functions.items():
        for event in function.get("Events", {}).values():
            mapping = event["Properties"]
            queue = template.arn_of(mapping["Queue"]) or ""
            if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                faults.append(f"{name} does not report which records failed")
            if not 2 <= mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0) <= 10:
                faults.append(f"{name}'s concurrency is not bounded")
            if not 1 <= mapping.get("BatchSize", 0) <= 10:
                faults.append(f"{name} does not say how many records a batch holds")
            if template.queues[queue].get("VisibilityTimeout", 30) < 6 * function["Timeout"]:
                faults.append(f"{queue} hands out again what {name} may still be working on")
            verbs = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
            faults += [
                f"{name} may not {verb} on {queue}"
                for verb in verbs
                if not template.role_allows(function, f"sqs:{verb}", queue)
            ]
    return faults


# ── Permissions ─────────────────────────────────────────────────────────────────────────────────────────────


def parameter_entry(resource: Any) -> str | None:
    """The entry of Parameter Store that an ARN names."""
    match resource:
        case {"Fn::Sub": str(arn)} if arn.startswith(PARAMETER_ARN):
            return arn.removeprefix(PARAMETER_ARN)
    return None


def roles_name_actions_and_resources(template: Template) -> list[str]:
    faults = []
    for role, properties in template.of_type("AWS::IAM::Role").items():
        if "ManagedPolicyArns" in properties:
            faults.append(f"{role} takes over a policy written elsewhere")
        for statement in template.statements_of(role):
            actions = set(listed(statement.get("Action", "*")))
            if statement["Effect"] != "Allow" or any("*" in action for action in actions):
                faults.append(f"{role} does not name its actions: {sorted(actions)}")
            faults += [
                f"{role} allows {sorted(actions)} on {resource}, no resource of the template"
                for resource in listed(statement.get("Resource"))
                if template.arn_of(resource) is None and parameter_entry(resource) is None
            ]
    return faults


def the_permissions_boundary_bounds_every_role(template: Template) -> list[str]:
    policy = "arn:aws:iam::123456789012:policy/team/boundary"
    faults = []
    for role, properties in template.of_type("AWS::IAM::Role").items():
        boundary = properties.get("PermissionsBoundary")
        if template.resolved(boundary, PermissionsBoundary=policy) != policy:
            faults.append(f"PermissionsBoundary does not bound {role}")
        if template.resolved(boundary, PermissionsBoundary="") != {"Ref": "AWS::NoValue"}:
            faults.append(f"{role} has a boundary that was not asked for")
    return faults


def each_function_has_its_own_role(template: Template) -> list[str]:
    faults = []
    roles = [template.arn_of(function.get("Role")) for function in template.functions.values()]
    for (name, function), role in zip(template.functions.items(), roles, strict=True):
        if role is None or roles.count(role) > 1 or "Policies" in function:
            faults.append(f"{name} has no role of its own, or SAM adds to it")
        resources = [r for s in template.statements_of(role or "") for r in listed(s["Resource"])]
        entries = {parameter_entry(resource) for resource in resources} - {None}
        if entries != OWN_PARAMETERS.get(name):
            faults.append(f"{name} may read {sorted(map(str, entries))} of Parameter Store")
    return faults


def writable_keys(statement: Node) -> set[str] | None:
    """The partition keys to which a statement's condition binds it; None if it does not."""
    match statement.get("Condition"):
        case {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys, **others}, **more} if not others and not more:
            return set(listed(keys))
    return None


def roles_write_only_their_own_keys(template: Template) -> list[str]:
    faults = []
    owners = {template.arn_of(function.get("Role")): name for name, function in template.functions.items()}
    for role in template.of_type("AWS::IAM::Role"):
        allowed: set[str] = set()
        for statement in template.statements_of(role):
            actions = {action for action in listed(statement["Action"]) if action.lower().startswith("dynamodb:")}
            if actions <= TABLE_READS:
                continue
            keys = writable_keys(statement)
            if keys is None or not actions <= KEYED_WRITES:
                faults.append(f"{role} is bound to no keys in {sorted(actions)}")
            allowed |= keys or set()
        if allowed != OWN_KEYS.get(owners.get(role, ""), set()):
            faults.append(f"{role} may write {sorted(allowed)} of the table")
    return faults


def the_webhook_keeps_its_url(template: Template) -> list[str]:
    found = {
        name: (resource["Type"], resource["Properties"])
        for name, resource in template.resources.items()
        if resource["Type"] in ("AWS::Lambda::Url", "AWS::Lambda::Permission")
    }
    return [
        *(f"{name} is not {wanted}" for name, wanted in URL_RESOURCES.items() if found.get(name) != wanted),
        *(f"{name} opens a function" for name in found if name not in URL_RESOURCES),
    ]


def the_webhook_exists_only_where_on(template: Template) -> list[str]:
    faults = []
    if template.parameters["Webhook"]["AllowedValues"] != ["off", "on"]:
        faults.append("Webhook is something else than off or on")
    off, on = template.present(Webhook="off"), template.present(Webhook="on")
    public = {*template.public_functions, *URL_RESOURCES}
    faults += [f"{name} is there with Webhook off" for name in off if name in public or name.startswith("Webhook")]
    faults += [f"{name} is not there with Webhook on" for name in public if name not in on]
    return faults


def _variants() -> Iterator[dict[str, str]]:
    for values in itertools.product(*VARIANTS.values()):
        yield dict(zip(VARIANTS, values, strict=True))


def references_exist_with_all_parameters(template: Template) -> list[str]:
    faults = []
    for parameters in _variants():
        present = template.present(**parameters)
        absent = template.resources.keys() - present.keys()
        for name, entry in {**present, **template.outputs_present(**parameters)}.items():
            wrong = absent & set(_references(entry))
            if wrong:
                faults.append(f"{name} refers to {sorted(wrong)}, which are not there with {parameters}")
    return faults


def _references(node: Any) -> Iterator[str]:
    """The ids that a resolved value refers to."""
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for inner in node.values():
                yield from _references(inner)
        case list():
            for inner in node:
                yield from _references(inner)
        case str():
            yield from re.findall(r"\$\{(\w+)", node)


def public_functions_are_limited(template: Template) -> list[str]:
    faults = []
    for name, function in template.functions.items():
        if "FunctionUrlConfig" in function:
            faults.append(f"{name} has a URL that `sam deploy --guided` asks about")
        if name not in template.public_functions:
            continue
        match function.get("ReservedConcurrentExecutions"):
            case {"Fn::If": [condition, parameter, {"Ref": "AWS::NoValue"}]} if _is_switched_off_by(
                template, condition, parameter, "0"
            ):
                pass
            case _:
                faults.append(f"no parameter bounds what a flood at {name} can cost, with 0 for no bound")
        role = template.arn_of(function["Role"]) or ""
        allowed = {action for statement in template.statements_of(role) for action in listed(statement["Action"])}
        if allowed - PUBLIC_ACTIONS:
            faults.append(f"{name}, which anybody can call, may {sorted(allowed - PUBLIC_ACTIONS)}")
    return faults


def _resource_policies(template: Template) -> Iterator[tuple[str, set[str], list[Node]]]:
    """Each policy of queues or topics: its id, what it is attached to, and its statements."""
    kinds = {"AWS::SQS::QueuePolicy": "Queues", "AWS::SNS::TopicPolicy": "Topics"}
    for kind, attached in kinds.items():
        for name, properties in template.of_type(kind).items():
            yield name, {value["Ref"] for value in properties[attached]}, properties["PolicyDocument"]["Statement"]


def resource_policies_name_service_and_source(template: Template) -> list[str]:
    faults = []
    for name, attached, statements in _resource_policies(template):
        for statement in statements:
            if statement["Effect"] == "Deny":
                continue
            if template.arn_of(statement["Resource"]) not in attached:
                faults.append(f"{name} allows something on another resource than its own")
            if list(statement["Principal"]) != ["Service"] or "*" in statement["Action"]:
                faults.append(f"{name} does not name one service and its actions")
            equals = statement.get("Condition", {}).get("StringEquals")
            if template.source_of(statement) is None and equals != {"aws:SourceAccount": THIS_ACCOUNT}:
                faults.append(f"{name} does not say for whom the service may come")
    return faults


def queues_and_topics_require_tls(template: Template) -> list[str]:
    faults = []
    actions = {"AWS::SQS::Queue": "sqs:*", "AWS::SNS::Topic": "sns:Publish"}
    for name, resource in template.resources.items():
        if resource["Type"] not in actions:
            continue
        policies = [statements for _, guarded, statements in _resource_policies(template) if name in guarded]
        if len(policies) != 1:
            faults.append(f"{name} has {len(policies)} policies; the last one replaces the others")
        wanted = {
            "Sid": "NothingWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": actions[resource["Type"]],
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        if not all(wanted in statements for statements in policies):
            faults.append(f"{name} takes requests without TLS")
    return faults


# ── Storage and set-up ────────────────────────────────────────────────────────────────────────────────────────


def table_is_kept_and_encrypted(template: Template) -> list[str]:
    faults = []
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        wanted = {
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
            "DeletionProtectionEnabled": {"Fn::If": ["IsProd", True, False]},
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        }
        faults += [f"{name} has not {key} = {value}" for key, value in wanted.items() if table.get(key) != value]
        for policy, wish in {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}.items():
            if template.resources[name].get(policy) != wish:
                faults.append(f"{name} is lost with the stack, or left behind by one that failed: {policy}")
    if not template.of_type("AWS::DynamoDB::Table"):
        faults.append("there is no table")
    return faults


def two_stacks_live_side_by_side(template: Template) -> list[str]:
    return [
        f"{name} has the {key} {value} in every stack"
        for name, resource in template.resources.items()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name")
        and key not in ("DisplayName", "MetricName")  # neither names the resource
        and not (isinstance(value, dict) and value.get("Ref") in {*template.resources, *template.parameters})
        and not any("AWS::StackName" in text for text in texts(value))
    ]


def topics_are_encrypted_where_alarms_allow_it(template: Template) -> list[str]:
    faults = []
    alarmed = {template.arn_of(a) for alarm in _alarms(template).values() for a in alarm["AlarmActions"]}
    for name, topic in template.of_type("AWS::SNS::Topic").items():
        key = topic.get("KmsMasterKeyId")
        if key != (None if name in alarmed else "alias/aws/sns"):
            faults.append(f"{name} is under {key}")
    return faults


def functions_are_set_up_alike(template: Template) -> list[str]:
    faults = []
    wanted = {
        "Runtime": {"Ref": "PythonRuntime"},
        "Architectures": [{"Ref": "Architecture"}],
        "CodeUri": "src/",
        "Timeout": 30,
        "MemorySize": 512,
        "Tracing": "PassThrough",
        "RecursiveLoop": "Allow",
    }
    for name, function in template.functions.items():
        faults += [f"{name} has not {key} = {value}" for key, value in wanted.items() if function.get(key) != value]
        logging = function.get("LoggingConfig", {})
        group = logging.get("LogGroup", {}).get("Ref", "")
        if group not in template.of_type("AWS::Logs::LogGroup"):
            faults.append(f"{name} has no log group of the template")
        elif not template.role_allows(function, "logs:PutLogEvents", group):
            faults.append(f"{name} may not write to {group}")
        if logging.get("LogFormat") != "JSON":
            faults.append(f"{name} does not log JSON")
        if name in template.public_functions and logging.get("SystemLogLevel") != "WARN":
            faults.append(f"Lambda writes lines about every call of {name}, which strangers can call")
    return faults


# ── Alarms, dashboard ─────────────────────────────────────────────────────────────────────────────────────────


def _alarms(template: Template) -> dict[str, Node]:
    return template.of_type("AWS::CloudWatch::Alarm")


def runbook_anchor(alarm: Node) -> str | None:
    """Where in docs/operations.md an alarm's description sends its reader."""
    description = " ".join(texts(alarm.get("AlarmDescription", "")))
    found = re.search(r"Read on: docs/operations\.md#([a-z0-9-]+)$", description)
    return found[1] if found else None


def dimensions(alarm: Node) -> dict[str, Any]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


def alarms_ring_and_explain(template: Template) -> list[str]:
    faults = []
    for name, alarm in _alarms(template).items():
        if runbook_anchor(alarm) is None:
            faults.append(f"{name} does not say where to read on")
        missing_data = "breaching" if alarm["ComparisonOperator"] == "LessThanThreshold" else "notBreaching"
        if alarm.get("TreatMissingData") != missing_data:
            faults.append(f"{name} does not treat missing data as {missing_data}")
        if [template.arn_of(action) for action in alarm["AlarmActions"]] != ["OperationsTopic"]:
            faults.append(f"{name} does not notify OperationsTopic")
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    policies = template.of_type("AWS::SNS::TopicPolicy").values()
    if not any(s["Principal"] == cloudwatch for policy in policies for s in policy["PolicyDocument"]["Statement"]):
        faults.append("alarms may not publish to their topic")
    return faults


def the_required_alarms_exist(template: Template) -> list[str]:
    def ours(function: str, metric: str, threshold: int = 0, **others: str) -> tuple[Any, ...]:
        service = template.functions[function]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        return "IdentityCallAlerts", metric, {"service": service, **others}, threshold

    def lambdas(function: str, metric: str) -> tuple[Any, ...]:
        return "AWS/Lambda", metric, {"FunctionName": {"Ref": function}}, 0

    def age(queue: str) -> tuple[Any, ...]:
        return "AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}, 1800

    wanted = [
        *(age(queue) for queue in template.queues.keys() - template.dead_letter_queues),
        *(lambdas(function, "Errors") for function in template.functions),
        lambdas("WebhookFunction", "Throttles"),
        ours("WebhookFunction", "WebhooksReceived", status="503"),
        ours("WebhookFunction", "WebhooksReceived", 5, status="401"),
        *(ours("DiscoveryFunction", metric) for metric in ("RecordingsMissed", "DiscoveryRefused", "DiscoveryBehind")),
        *(ours("EvaluationFunction", metric) for metric in ("OperatorNeeded", "DeferredOverAnHour", "RecordsFailed")),
        *(ours("SlackFunction", metric) for metric in ("DeferredOverAnHour", "RecordsFailed")),
        ours("SlackFunction", "NotificationsFailed", destination="slack", reason="no_destination"),
    ]
    watched = [
        (alarm["Namespace"], alarm["MetricName"], dimensions(alarm), alarm["Threshold"])
        for alarm in _alarms(template).values()
        if alarm["ComparisonOperator"] == "GreaterThanThreshold" and "MetricName" in alarm
    ]
    return [f"no alarm watches {want}" for want in wanted if want not in watched]


def every_new_dead_letter_rings(template: Template) -> list[str]:
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
    return [
        f"a dead letter that comes to {queue} beside another one does not ring"
        for queue in template.dead_letter_queues
        if not any(watches_growth(alarm, queue) for alarm in ringing)
    ]


def stopped_timers_ring(template: Template) -> list[str]:
    watched = [
        (template.resources[name].get("Condition"), dimensions(alarm))
        for name, alarm in _alarms(template).items()
        if (alarm.get("Namespace"), alarm.get("MetricName")) == ("AWS/Lambda", "Invocations")
        and (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == ("Sum", "LessThanThreshold", 1)
        and "DatapointsToAlarm" not in alarm
    ]
    return [
        f"no alarm says that {name} has stopped"
        for name, timer in template.timers.items()
        if (
            template.resources[name].get("Condition"),
            {"FunctionName": {"Ref": template.arn_of(timer["Target"]["Arn"])}},
        )
        not in watched
    ]


SHOWN = [
    *("RecordingsReceived", "RecordingsEvaluated", "RecordingsDeferred", "DuplicatesSkipped", "RuleViolations"),
    *("AlertsPublished", "NotificationsSent", "NotificationsFailed", "ApiRequests", "ApiBudgetWaitMs"),
    *("WebhooksReceived", "WebhooksIgnored"),
    *("RecordingsDiscovered", "RecordingsMissed", "DiscoveryRuns", "DiscoveryStoppedEarly"),
    *("EventToAlertMs", "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"),
]
"""The metrics of the dashboard."""


def the_dashboard_shows_metrics_queues_and_alarms(template: Template) -> list[str]:
    faults = []
    for parameters in _variants():
        present = template.present(**parameters)
        body = present["Dashboard"]["Properties"]["DashboardBody"]
        try:
            text = json.dumps(json.loads(body)["widgets"])
        except ValueError as error:
            faults.append(f"the dashboard is not JSON with {parameters}: {error}")
            continue
        alarms = [name for name, resource in present.items() if resource["Type"] == "AWS::CloudWatch::Alarm"]
        wanted = [*SHOWN, *(f"${{{q}.QueueName}}" for q in template.queues), *(f"${{{alarm}.Arn}}" for alarm in alarms)]
        faults += [f"the dashboard does not show {name} with {parameters}" for name in wanted if name not in text]
    return faults


# ── The contract ────────────────────────────────────────────────────────────────────────────────────────────

DEFAULTS: Node = {
    "Stage": "dev",
    "IdentityCallBaseUrl": "https://api.identitycall.ai/api/v1/public",
    "EventBusName": "default",
    "MaxPauseMs": 5000,
    "RequestsPerMinute": 60,
    "AlertEmail": "",
    "OperationsEmail": "",
    "OutcomeRetentionDays": 365,
    "DiscoverySchedule": "rate(5 minutes)",
    "DiscoveryLookbackHours": 24,
    "Webhook": "off",
    "WebhookConcurrency": 0,
    "PermissionsBoundary": "",
    "PythonRuntime": "python3.13",
    "Architecture": "arm64",
}

OUTPUTS: Node = {
    "EventQueueUrl": {"Ref": "EventQueue"},
    "EventDeadLetterQueueUrl": {"Ref": "EventDeadLetterQueue"},
    "EventBusName": {"Ref": "EventBusName"},
    "OutcomeTableName": {"Ref": "OutcomeTable"},
    "AlertTopicArn": {"Ref": "AlertTopic"},
    "OperationsTopicArn": {"Ref": "OperationsTopic"},
    "SlackDeadLetterQueueUrl": {"Ref": "SlackDeadLetterQueue"},
    "EvaluationFunctionName": {"Ref": "EvaluationFunction"},
    "DiscoveryFunctionName": {"Ref": "DiscoveryFunction"},
    "WebhookUrl": {"Fn::GetAtt": ["WebhookFunctionUrl", "FunctionUrl"]},
}


def parameters_and_outputs_of_the_contract(template: Template) -> list[str]:
    defaults = {name: parameter.get("Default") for name, parameter in template.parameters.items()}
    outputs = {name: output["Value"] for name, output in template.outputs.items()}
    return [
        *(f"parameter {n} is not {want!r} by default" for n, want in DEFAULTS.items() if defaults.get(n) != want),
        *(f"parameter {name} is not in the contract" for name in defaults if name not in DEFAULTS),
        *(f"output {name} is not {want}" for name, want in OUTPUTS.items() if outputs.get(name) != want),
        *(
            f"parameter {name} does not say in words what it takes"
            for name, parameter in template.parameters.items()
            if ("AllowedPattern" in parameter or "MinValue" in parameter) and "ConstraintDescription" not in parameter
        ),
    ]


def the_output_says_when_alerts_reach_nobody(template: Template) -> list[str]:
    text = str(template.resolved(template.outputs.get("Notifications", {}).get("Value"), AlertEmail=""))
    words = ("ALERTS REACH NOBODY", "/${AWS::StackName}/slack-webhook-url")
    return [f"no output says {word!r} where alerts reach nobody" for word in words if word not in text]
