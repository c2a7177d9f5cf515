"""The local stack deploys the template less what the emulator cannot take: seen to be no more than that."""

from pathlib import Path

from local.emulated_template import Node, amended
from tests.unit.template.reading import Template

TEMPLATE = Template.read(Path(__file__).parents[3] / "template.yaml")
AMENDED = Template(amended(TEMPLATE.document))

POLICIES = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")


def effects(template: Template) -> list[str]:
    return [
        statement["Effect"]
        for kind in POLICIES
        for policy in template.of_type(kind).values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_only_the_statements_about_tls_are_gone() -> None:
    assert effects(TEMPLATE).count("Deny") > 0
    assert effects(AMENDED) == [effect for effect in effects(TEMPLATE) if effect == "Allow"]


def test_a_policy_without_a_permission_is_gone_altogether() -> None:
    assert TEMPLATE.resources.keys() - AMENDED.resources.keys() == {
        "AlertTopicPolicy",
        "DiscoveryDeadLetterQueuePolicy",
        "EmailTopicPolicy",
    }


def test_everything_else_is_as_it_was() -> None:
    rest = {name: resource for name, resource in TEMPLATE.resources.items() if resource["Type"] not in POLICIES}
    assert rest == {name: AMENDED.resources[name] for name in rest}
    emptied: dict[str, Node] = {"Resources": {}}
    assert {**TEMPLATE.document, **emptied} == {**AMENDED.document, **emptied}
