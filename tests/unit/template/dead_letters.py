"""Every rule, timer, subscription, queue and function has its dead-letter queue, and may send to it."""

from collections.abc import Iterator
from typing import Any

from tests.unit.template.checking import DROPPED, finds, statements_of
from tests.unit.template.reading import Template

THIS_ACCOUNT = {"Ref": "AWS::AccountId"}
RETRIES = {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}
DAY = 24 * 60 * 60
AN_EVENT_QUEUE = {"Fn::GetAtt": ["EventQueue", "Arn"]}
EVALUATION_STATEMENTS = statements_of("EvaluationRole")
TIMER_STATEMENTS = statements_of("DiscoveryTimerRole")


def _faults_of_route(template: Template, source: str, service: str, queue: Any, dead_letters: Any) -> Iterator[str]:
    """Faults of what a service sends for a source: to a queue, and to the dead-letter queue when that fails."""
    if template.arn_of(dead_letters) not in template.dead_letter_queues:
        yield f"{source} has no dead-letter queue"
    for arn in map(template.arn_of, (queue, dead_letters)):
        if not template.lets_send(arn, service, source):
            yield f"{service} may not send to {arn} for {source}"


@finds(
    ("RecordingAnalyzedRule/Properties/Targets/0/RetryPolicy", DROPPED),
    ("RecordingAnalyzedRule/Properties/Targets/0/DeadLetterConfig", DROPPED),
    ("EventQueuePolicy", DROPPED),
    ("EventDeadLetterQueuePolicy", DROPPED),
    ("EventQueuePolicy/Properties/Queues/0/Ref", "SlackQueue"),
    ("EventQueuePolicy/Properties/PolicyDocument/Statement/0/Effect", "Deny"),
    ("EventQueuePolicy/Properties/PolicyDocument/Statement/0/Condition", DROPPED),
)
def rules_and_their_dead_letters(template: Template) -> Iterator[str]:
    for rule, properties in template.of_type("AWS::Events::Rule").items():
        for target in properties["Targets"]:
            dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
            yield from _faults_of_route(template, rule, "events.amazonaws.com", target["Arn"], dead_letters)
            if target.get("RetryPolicy", {}).keys() != RETRIES:
                yield f"{rule} has no explicit retry policy"


@finds(
    ("SlackSubscription/Properties/RedrivePolicy", DROPPED),
    ("SlackSubscription/Properties/RawMessageDelivery", False),
    ("SlackQueuePolicy", DROPPED),
    ("SlackDeadLetterQueuePolicy", DROPPED),
)
def subscriptions_and_their_dead_letters(template: Template) -> Iterator[str]:
    for name, properties in template.of_type("AWS::SNS::Subscription").items():
        if properties["Protocol"] == "email":
            continue  # a queue cannot stand in for a mailbox
        if properties["Protocol"] != "sqs" or properties.get("RawMessageDelivery") is not True:
            yield f"{name} does not deliver raw messages to a queue"
        topic = template.arn_of(properties["TopicArn"]) or ""
        dead_letters = properties.get("RedrivePolicy", {}).get("deadLetterTargetArn")
        yield from _faults_of_route(template, topic, "sns.amazonaws.com", properties["Endpoint"], dead_letters)


@finds(
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
)
def timers_and_their_dead_letters(template: Template) -> Iterator[str]:
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
            yield f"{name} has no role of its own, for Scheduler in this account alone"
        if not template.role_allows(starter, "lambda:InvokeFunction", function):
            yield f"{name} may not invoke its target {function}"
        if target.get("RetryPolicy", {}).keys() != RETRIES:
            yield f"{name} has no explicit retry policy"
        if "RedrivePolicy" in template.queues.get(dead_letters, {"RedrivePolicy": "no such queue"}):
            yield f"{name} has no dead-letter queue"
        elif not template.role_allows(starter, "sqs:SendMessage", dead_letters):
            yield f"{name} may not send to its dead-letter queue {dead_letters}"
        condition = template.resources[name].get("Condition")
        if not template.is_switched_off_by(condition, timer["ScheduleExpression"], "off"):
            yield f"no parameter says when {name} runs, with off for never"


@finds(
    ("DiscoveryDeadLetterQueue/Properties/MessageRetentionPeriod", DROPPED),
    ("SlackQueue/Properties/RedrivePolicy", DROPPED),
    ("EventQueue/Properties/RedrivePolicy/maxReceiveCount", 3),
    ("EventQueue/Properties/MessageRetentionPeriod", 60),
    ("EventDeadLetterQueue/Properties/MessageRetentionPeriod", 345600),
    ("EventDeadLetterQueue/Properties/SqsManagedSseEnabled", DROPPED),
)
def queues_and_their_dead_letters(template: Template) -> Iterator[str]:
    for name, queue in template.queues.items():
        last = name in template.dead_letter_queues
        redrive = queue.get("RedrivePolicy", {})
        if not last and template.arn_of(redrive.get("deadLetterTargetArn")) not in template.queues:
            yield f"{name} has no dead-letter queue"
        if not last and redrive.get("maxReceiveCount") != 5:
            yield f"{name} does not end after five receives"
        if queue.get("MessageRetentionPeriod") != (14 if last else 4) * DAY:
            yield f"{name} does not keep messages for {14 if last else 4} days"
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not under SQS-managed encryption"


@finds(
    ("DiscoveryFunction/Properties/DeadLetterQueue", DROPPED),
    ("EvaluationFunction/Properties/DeadLetterQueue", DROPPED),
    ("BacktestStateMachine", DROPPED),
    (f"{EVALUATION_STATEMENTS}/1/Resource/1", DROPPED),
    ("EvaluationFunction/Properties/EventInvokeConfig", DROPPED),
    # A function with a URL and another caller must keep what fails.
    ("WebhookFunction/Properties/Events", {"Timer": {"Type": "ScheduleV2", "Properties": {}}}),
)
def functions_and_their_dead_letters(template: Template) -> Iterator[str]:
    for name, function in template.functions.items():
        if name in template.public_functions and not function.get("Events"):
            continue  # Only its URL calls it. Such a caller hears of a failure and sends again.
        if name in template.tasks:
            continue
        dead_letters = template.arn_of(function.get("DeadLetterQueue", {}).get("TargetArn"))
        if dead_letters not in template.dead_letter_queues:
            yield f"{name} has no dead-letter queue for failed direct invocations"
        elif not template.role_allows(function, "sqs:SendMessage", dead_letters or ""):
            yield f"{name} may not send to its dead-letter queue {dead_letters}"
        if function.get("EventInvokeConfig", {}).keys() != RETRIES:
            yield f"{name} does not say how direct invocations are retried, or sends on an envelope"


@finds(
    ("SlackFunction/Properties/Events/SlackQueue/Properties/FunctionResponseTypes", DROPPED),
    ("SlackFunction/Properties/Events/SlackQueue/Properties/ScalingConfig", DROPPED),
    ("SlackFunction/Properties/Events/SlackQueue/Properties/BatchSize", 1000),
    ("EventQueue/Properties/VisibilityTimeout", 179),
    ("SlackQueue/Properties/VisibilityTimeout", DROPPED),
    ("EvaluationFunction/Properties/Timeout", 31),
    (f"{EVALUATION_STATEMENTS}/0/Action/3", DROPPED),
)
def queues_and_their_functions(template: Template) -> Iterator[str]:
    for name, function in template.functions.items():
        for event in function.get("Events", {}).values():
            mapping = event["Properties"]
            queue = template.arn_of(mapping["Queue"]) or ""
            if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                yield f"{name} does not report which records failed"
            if not 2 <= mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0) <= 10:
                yield f"{name}'s concurrency is not bounded"
            if not 1 <= mapping.get("BatchSize", 0) <= 10:
                yield f"{name} does not say how many records a batch holds"
            if template.queues[queue].get("VisibilityTimeout", 30) < 6 * function["Timeout"]:
                yield f"{queue} hands out again what {name} may still be working on"
            for verb in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"):
                if not template.role_allows(function, f"sqs:{verb}", queue):
                    yield f"{name} may not {verb} on {queue}"
