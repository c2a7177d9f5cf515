"""template.yaml as data: what it declares, and how CloudFormation would evaluate it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Node = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref x` is read as `{"Ref": "x"}`, `!Sub x` as `{"Fn::Sub": "x"}`."""


def _short_form(loader: _Loader, name: str, node: yaml.Node) -> Node:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)


_REFERRED_TO_BY_ARN = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")
_PART_OF = re.compile(
    r"\$\{(?P<table>\w+)\.Arn\}/index/by_day"
    r"|arn:\$\{AWS::Partition\}:states:\$\{AWS::Region\}:\$\{AWS::AccountId\}:execution:\$\{(?P<machine>\w+)\.Name\}:\*"
)
"""The index of a table, and the executions of a state machine."""


class Template:
    """The parsed template, and queries that the checks share."""

    def __init__(self, document: Node) -> None:
        self.document = document
        self.resources: dict[str, Node] = document["Resources"]
        self.parameters: dict[str, Node] = document["Parameters"]
        self.outputs: dict[str, Node] = document["Outputs"]

    @classmethod
    def read(cls, path: Path) -> "Template":
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a SafeLoader)
        return cls(json.loads(json.dumps(document)))  # each YAML alias becomes a copy of its own

    def of_type(self, kind: str) -> dict[str, Node]:
        """The properties of every resource of a type, by logical id."""
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    @property
    def functions(self) -> dict[str, Node]:
        """Every function with the globals merged in."""
        common = self.document["Globals"]["Function"]
        return {name: _merged(common, own) for name, own in self.of_type("AWS::Serverless::Function").items()}

    @property
    def timers(self) -> dict[str, Node]:
        return self.of_type("AWS::Scheduler::Schedule")

    @property
    def queues(self) -> dict[str, Node]:
        return self.of_type("AWS::SQS::Queue")

    @property
    def dead_letter_queues(self) -> set[str | None]:
        """Queues that another queue, or a timer, gives up to."""
        redrives = (queue.get("RedrivePolicy", {}).get("deadLetterTargetArn") for queue in self.queues.values())
        timers = (timer["Target"].get("DeadLetterConfig", {}).get("Arn") for timer in self.timers.values())
        return {self.arn_of(dead_letters) for dead_letters in (*redrives, *timers)} - {None}

    @property
    def public_functions(self) -> set[str]:
        """The functions that have a URL."""
        return {url["TargetFunctionArn"]["Ref"] for url in self.of_type("AWS::Lambda::Url").values()}

    @property
    def tasks(self) -> set[str | None]:
        """The functions that a state machine calls. It tries again, and its execution tells of a failure."""
        machines = self.of_type("AWS::StepFunctions::StateMachine").values()
        roles = [self.arn_of(machine["RoleArn"]) or "" for machine in machines]
        calls = (
            each
            for role in roles
            for each in self.statements_of(role)
            if "lambda:InvokeFunction" in listed(each["Action"])
        )
        return {self.arn_of(resource) for statement in calls for resource in listed(statement["Resource"])}

    def resolved(self, value: Any, **parameters: str) -> Any:
        """A value as CloudFormation evaluates it with these parameters, else their defaults.

        References to resources and pseudo parameters stay as they are.
        """
        given = {name: str(each.get("Default", "")) for name, each in self.parameters.items()} | parameters

        def evaluated(node: Any) -> Any:  # noqa: PLR0911 (one return a function of CloudFormation)
            match node:
                case {"Ref": str(name)} if name in given:
                    return given[name]
                case {"Condition": str(name)}:
                    return evaluated(self.document["Conditions"][name])
                case {"Fn::If": [condition, yes, no]}:
                    return evaluated(yes if evaluated({"Condition": condition}) else no)
                case {"Fn::Equals": [one, other]}:
                    return evaluated(one) == evaluated(other)
                case {"Fn::Not": [one]}:
                    return not evaluated(one)
                case {"Fn::Select": [index, values]}:
                    return evaluated(values)[index]
                case {"Fn::Join": [separator, texts]}:
                    return separator.join(evaluated(texts))
                case {"Fn::Split": [separator, text]}:
                    return evaluated(text).split(separator)
                case {"Fn::Sub": [text, names]}:
                    return _substituted(text, given | evaluated(names))
                case {"Fn::Sub": text}:
                    return _substituted(text, given)
                case dict():
                    return {name: evaluated(inner) for name, inner in node.items()}
                case list():
                    return [evaluated(inner) for inner in node]
            return node

        return evaluated(value)

    def present(self, **parameters: str) -> dict[str, Node]:
        """The resources that there are with these parameters."""
        return {
            name: self.resolved({key: inner for key, inner in resource.items() if key != "Condition"}, **parameters)
            for name, resource in self.resources.items()
            if "Condition" not in resource or self.resolved({"Condition": resource["Condition"]}, **parameters)
        }

    def is_switched_off_by(self, condition: Any, parameter: Any, value: str) -> bool:
        """Whether a condition holds unless this parameter has this value."""
        wanted = {"Fn::Not": [{"Fn::Equals": [parameter, value]}]}
        return isinstance(parameter, dict) and self.document["Conditions"].get(condition) == wanted

    def arn_of(self, value: Any) -> str | None:
        """The logical id of the resource whose ARN the value is, or that of its parts; None if it is anything else."""
        match value:
            case {"Fn::GetAtt": [name, "Arn"]} if name in self.resources:
                return str(name)
            case {"Ref": name} if self.resources.get(name, {}).get("Type") in _REFERRED_TO_BY_ARN:
                return str(name)
            case {"Fn::Sub": str(text)} if part := _PART_OF.fullmatch(text):
                name = part["table"] or part["machine"]
                return name if name in self.resources else None
        return None

    def statements_of(self, role: str) -> Iterator[Node]:
        """All statements that a role can have, those under a condition too, and of policies that are resources."""
        own = self.of_type("AWS::IAM::Role").get(role, {}).get("Policies", [])
        apart = [each for each in self.of_type("AWS::IAM::Policy").values() if {"Ref": role} in each["Roles"]]
        for policy in (*own, *apart):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield from _branches(statement)

    def role_allows(self, function: Node, action: str, resource: str) -> bool:
        return any(
            statement["Effect"] == "Allow"
            and action in listed(statement["Action"])
            and resource in map(self.arn_of, listed(statement["Resource"]))
            for statement in self.statements_of(self.arn_of(function.get("Role")) or "")
        )

    def source_of(self, statement: Node) -> str | None:
        """The resource for which alone a statement lets a service in."""
        return self.arn_of(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn"))

    def lets_send(self, queue: str | None, service: str, source: str) -> bool:
        """Whether a queue's resource policy lets this service send for this source, and for no other."""
        return any(
            queue in [value.get("Ref") for value in policy["Queues"]]
            and statement["Effect"] == "Allow"
            and statement["Principal"] == {"Service": service}
            and statement["Action"] == "sqs:SendMessage"
            and self.source_of(statement) == source
            for policy in self.of_type("AWS::SQS::QueuePolicy").values()
            for statement in policy["PolicyDocument"]["Statement"]
        )


def _merged(common: Node, own: Node) -> Node:
    shared = [key for key in own if key in common and isinstance(own[key], dict)]
    return common | own | {key: _merged(common[key], own[key]) for key in shared}


def _branches(value: Node) -> Iterator[Node]:
    """What a value can be, whichever condition holds."""
    match value:
        case {"Fn::If": [_, yes, no]}:
            yield from _branches(yes)
            yield from _branches(no)
        case {"Ref": "AWS::NoValue"}:
            pass
        case _:
            yield value


def _substituted(text: str, values: Node) -> str:
    """What `Fn::Sub` makes of a text; a name without a value stays as it is."""
    return re.sub(r"\$\{([\w.:]+)\}", lambda found: str(values.get(found[1], found[0])), text)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> Iterator[str]:
    """Every text in a tree of values."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)


def values(tree: Any) -> Iterator[Any]:
    """A tree of values, and every value in it."""
    yield tree
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for each in inside:
        yield from values(each)
