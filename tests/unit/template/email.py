"""The stack's e-mail goes through a topic of its own, more slowly than SNS allows."""

from collections.abc import Iterator

from adapters.email_topic import PAUSE_S
from tests.unit.template.checking import DROPPED, finds, statements_of
from tests.unit.template.reading import Template

SWITCHED_OFF_ABOVE = 10
"""Messages a second for one e-mail subscription, SNS."""
NOTIFIER = "SlackFunction"
THE_TOPIC = {"Ref": "EmailTopic"}
STATEMENT = f"{statements_of('SlackRole')}/3/Fn::If/1"
TOLD = f"{NOTIFIER}/Properties/Environment/Variables/EMAIL_TOPIC_ARN"


@finds(
    ("AlertEmailSubscription", DROPPED),
    ("AlertEmailSubscription/Properties/TopicArn/Ref", "AlertTopic"),
    (f"{statements_of('EvaluationRole')}/4/Resource", [{"Ref": "AlertTopic"}, THE_TOPIC]),
    (f"{STATEMENT}/Resource/Ref", "AlertTopic"),
    (f"{STATEMENT}/Action", ["sns:Publish"]),
    (f"{statements_of('SlackRole')}/3", DROPPED),
    (f"{TOLD}/Fn::If/1/Ref", "AlertTopic"),
    (f"{TOLD}/Fn::If/2", THE_TOPIC),
    (f"{NOTIFIER}/Properties/Events/SlackQueue/Properties/ScalingConfig/MaximumConcurrency", 3),
)
def e_mail_goes_through_the_notifier_alone_and_slowly(template: Template) -> Iterator[str]:
    subscriptions = template.of_type("AWS::SNS::Subscription").values()
    topics = [
        s["TopicArn"] for s in subscriptions if (s["Protocol"], s["Endpoint"]) == ("email", {"Ref": "AlertEmail"})
    ]
    if topics != [THE_TOPIC]:
        yield f"AlertEmail subscribes to {topics}"
    for action in ("sns:Publish", "sns:ListSubscriptionsByTopic"):
        allowed = {
            name for name, each in template.functions.items() if template.role_allows(each, action, "EmailTopic")
        }
        if allowed != {NOTIFIER}:
            yield f"{sorted(allowed)} may {action} on the e-mail topic"
    notifier = template.functions[NOTIFIER]
    told = notifier["Environment"]["Variables"]["EMAIL_TOPIC_ARN"]
    for address, topic in {"team@example.com": THE_TOPIC, "": ""}.items():
        if template.resolved(told, AlertEmail=address) != topic:
            yield f"with AlertEmail={address!r} the notifier is told of another topic than {topic}"
    workers = notifier["Events"]["SlackQueue"]["Properties"]["ScalingConfig"]["MaximumConcurrency"]
    if workers / PAUSE_S >= SWITCHED_OFF_ABOVE:
        yield f"{workers} workers may send {workers / PAUSE_S:.0f} e-mails a second"
