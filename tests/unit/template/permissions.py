"""Roles allow named actions on named resources; resource policies name a service and whom it comes for."""

from collections.abc import Iterator
from typing import Any

from tests.unit.template.checking import DROPPED, TEMPLATE, finds, statements_of
from tests.unit.template.dead_letters import AN_EVENT_QUEUE, THIS_ACCOUNT
from tests.unit.template.reading import Node, Template, listed, values

PARAMETER_ARN = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/"
"""With an entry's name behind it."""

OWN_PARAMETERS = {
    "EvaluationFunction": {"api-key", "rules"},
    "SlackFunction": {"slack-webhook-url"},
    "WebhookFunction": {"webhook-secret"},
    "DiscoveryFunction": {"api-key"},
    "BacktestFunction": set[str](),
}
"""The entries of Parameter Store that each function may read."""

OWN_KEYS = {
    "EvaluationFunction": {"RECORDING#*", "ALIAS#*", "MARK#*", "BUDGET"},
    "SlackFunction": {"RECORDING#*"},
    "DiscoveryFunction": {"MARK#*", "DISCOVERY", "BUDGET"},
    "BacktestFunction": {"BACKTEST#*"},
}
"""The partition keys of the outcome table that each function may write, as IAM's `StringLike` has them."""

TABLE_READS = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
KEYED_WRITES = {f"dynamodb:{name}" for name in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")}
"""Writes whose requests name the partition key of each item, so that `dynamodb:LeadingKeys` is never absent."""

EVALUATION = statements_of("EvaluationRole")
SLACK = statements_of("SlackRole")
DISCOVERY = statements_of("DiscoveryRole")
WEBHOOK = statements_of("WebhookRole")
BACKTEST_EXECUTIONS = "BacktestExecutionsPolicy/Properties/PolicyDocument/Statement"
SLACK_QUEUE_STATEMENTS = "SlackQueuePolicy/Properties/PolicyDocument/Statement"
LEADING_KEYS = "Condition/ForAllValues:StringLike/dynamodb:LeadingKeys"
OTHER_PARAMETER = {"Fn::Sub": PARAMETER_ARN + "slack-webhook-url"}


def parameter_entry(resource: Any) -> str | None:
    """The entry of Parameter Store that an ARN names."""
    match resource:
        case {"Fn::Sub": str(arn)} if arn.startswith(PARAMETER_ARN):
            return arn.removeprefix(PARAMETER_ARN)
    return None


@finds(
    ("SlackRole/Properties/ManagedPolicyArns", ["arn:aws:iam::aws:policy/Any"]),
    (f"{EVALUATION}/0/Action", "sqs:*"),
    (f"{EVALUATION}/0/Resource", "*"),
    (f"{EVALUATION}/0/Resource", {"Fn::Sub": "${EventQueue.Arn}*"}),
    (f"{EVALUATION}/0", {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}),
)
def roles_name_actions_and_resources(template: Template) -> Iterator[str]:
    for role, properties in template.of_type("AWS::IAM::Role").items():
        if "ManagedPolicyArns" in properties:
            yield f"{role} takes over a policy written elsewhere"
        for statement in template.statements_of(role):
            actions = sorted(listed(statement.get("Action", "*")))
            if statement["Effect"] != "Allow" or any("*" in action for action in actions):
                yield f"{role} does not name its actions: {actions}"
            for resource in listed(statement.get("Resource")):
                if template.arn_of(resource) is None and parameter_entry(resource) is None:
                    yield f"{role} allows {actions} on {resource}, no resource of the template"


@finds(
    ("DiscoveryTimerRole/Properties/PermissionsBoundary", DROPPED),
    ("SlackRole/Properties/PermissionsBoundary", {"Ref": "PermissionsBoundary"}),
)
def the_permissions_boundary_bounds_every_role(template: Template) -> Iterator[str]:
    policy = "arn:aws:iam::123456789012:policy/team/boundary"
    for role, properties in template.of_type("AWS::IAM::Role").items():
        boundary = properties.get("PermissionsBoundary")
        if template.resolved(boundary, PermissionsBoundary=policy) != policy:
            yield f"PermissionsBoundary does not bound {role}"
        if template.resolved(boundary, PermissionsBoundary="") != {"Ref": "AWS::NoValue"}:
            yield f"{role} has a boundary that was not asked for"


@finds(
    ("SlackFunction/Properties/Role/Fn::GetAtt/0", "EvaluationRole"),
    ("SlackFunction/Properties/Policies", [{"SQSPollerPolicy": {}}]),
    (f"{EVALUATION}/5/Resource/0", OTHER_PARAMETER),
    (f"{WEBHOOK}/1/Resource", OTHER_PARAMETER),
)
def each_function_has_its_own_role(template: Template) -> Iterator[str]:
    roles = [template.arn_of(function.get("Role")) for function in template.functions.values()]
    for (name, function), role in zip(template.functions.items(), roles, strict=True):
        if role is None or roles.count(role) > 1 or "Policies" in function:
            yield f"{name} has no role of its own, or SAM adds to it"
        resources = [r for s in template.statements_of(role or "") for r in listed(s["Resource"])]
        entries = {parameter_entry(resource) for resource in resources} - {None}
        if entries != OWN_PARAMETERS.get(name):
            yield f"{name} may read {sorted(map(str, entries))} of Parameter Store"


@finds(
    ("BacktestExecutionsPolicy", DROPPED),
    (f"{BACKTEST_EXECUTIONS}/0/Resource", {"Ref": "AlertTopic"}),
    (f"{BACKTEST_EXECUTIONS}/1/Action/1", DROPPED),
    (
        "BacktestRole/Properties/Policies/0/PolicyDocument/Statement/0/Resource",
        {"Fn::GetAtt": ["SlackFunction", "Arn"]},
    ),
)
def a_state_machine_may_run_its_segments(template: Template) -> Iterator[str]:
    """A distributed map starts executions of its own machine, watches and stops them."""
    for name, machine in template.of_type("AWS::StepFunctions::StateMachine").items():
        allowed = {
            (action, template.arn_of(resource))
            for statement in template.statements_of(template.arn_of(machine["RoleArn"]) or "")
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }
        wanted = {(f"states:{verb}Execution", name) for verb in ("Start", "Describe", "Stop")}
        wanted |= {
            ("lambda:InvokeFunction", function)
            for function in template.functions
            if {"Fn::GetAtt": [function, "Arn"]} in values(machine["Definition"])
        }
        if allowed != wanted:
            yield f"{name} is allowed {sorted(map(str, allowed))}"


def writable_keys(statement: Node) -> set[str] | None:
    """The partition keys to which a statement's condition binds it; None if it does not."""
    match statement.get("Condition"):
        case {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys, **others}, **more} if not others and not more:
            return set(listed(keys))
    return None


@finds(
    (f"{DISCOVERY}/3/Condition", DROPPED),
    (f"{EVALUATION}/3/Condition", DROPPED),
    (f"{SLACK}/2/Condition", DROPPED),
    (f"{DISCOVERY}/3", DROPPED),
    (f"{DISCOVERY}/2/Action/0", "dynamodb:PutItem"),
    (f"{DISCOVERY}/3/Action/0", "dynamodb:PartiQLInsert"),
    (f"{WEBHOOK}/0/Action", "DynamoDB:PutItem"),
    (f"{DISCOVERY}/3/{LEADING_KEYS}/0", "RECORDING#*"),
    (f"{DISCOVERY}/3/{LEADING_KEYS}/0", "*"),
    (f"{EVALUATION}/3/{LEADING_KEYS}/0", DROPPED),
    (f"{SLACK}/2/{LEADING_KEYS}", ["RECORDING#*", "BUDGET"]),
    # An operator that one of several keys satisfies, and a condition on something else.
    (f"{SLACK}/2/Condition", {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["RECORDING#*"]}}),
    (f"{SLACK}/2/Condition", {"ForAllValues:StringLike": {"dynamodb:Attributes": ["RECORDING#*"]}}),
)
def roles_write_only_their_own_keys(template: Template) -> Iterator[str]:
    owners = {template.arn_of(function.get("Role")): name for name, function in template.functions.items()}
    for role in template.of_type("AWS::IAM::Role"):
        allowed: set[str] = set()
        for statement in template.statements_of(role):
            actions = {action for action in listed(statement["Action"]) if action.lower().startswith("dynamodb:")}
            if actions <= TABLE_READS:
                continue
            keys = writable_keys(statement)
            if keys is None or not actions <= KEYED_WRITES:
                yield f"{role} is bound to no keys in {sorted(actions)}"
            allowed |= keys or set()
        if allowed != OWN_KEYS.get(owners.get(role, ""), set()):
            yield f"{role} may write {sorted(allowed)} of the table"


def _resource_policies(template: Template) -> Iterator[tuple[str, set[str], list[Node]]]:
    """Each policy of queues or topics: its id, what it is attached to, and its statements."""
    kinds = {"AWS::SQS::QueuePolicy": "Queues", "AWS::SNS::TopicPolicy": "Topics"}
    for kind, attached in kinds.items():
        for name, properties in template.of_type(kind).items():
            yield name, {value["Ref"] for value in properties[attached]}, properties["PolicyDocument"]["Statement"]


@finds(
    ("SlackQueuePolicy/Properties/PolicyDocument/Statement/0/Principal", {"AWS": "*"}),
    ("SlackQueuePolicy/Properties/PolicyDocument/Statement/0/Resource", AN_EVENT_QUEUE),
    ("OperationsTopicPolicy/Properties/PolicyDocument/Statement/0/Condition", DROPPED),
)
def resource_policies_name_service_and_source(template: Template) -> Iterator[str]:
    for name, attached, statements in _resource_policies(template):
        for statement in statements:
            if statement["Effect"] == "Deny":
                continue
            if template.arn_of(statement["Resource"]) not in attached:
                yield f"{name} allows something on another resource than its own"
            if list(statement["Principal"]) != ["Service"] or "*" in statement["Action"]:
                yield f"{name} does not name one service and its actions"
            equals = statement.get("Condition", {}).get("StringEquals")
            if template.source_of(statement) is None and equals != {"aws:SourceAccount": THIS_ACCOUNT}:
                yield f"{name} does not say for whom the service may come"


@finds(
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
)
def queues_and_topics_require_tls(template: Template) -> Iterator[str]:
    actions = {"AWS::SQS::Queue": "sqs:*", "AWS::SNS::Topic": "sns:Publish"}
    for name, resource in template.resources.items():
        if resource["Type"] not in actions:
            continue
        policies = [statements for _, guarded, statements in _resource_policies(template) if name in guarded]
        if len(policies) != 1:
            yield f"{name} has {len(policies)} policies; the last one replaces the others"
        wanted = {
            "Sid": "NothingWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": actions[resource["Type"]],
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        if not all(wanted in statements for statements in policies):
            yield f"{name} takes requests without TLS"
