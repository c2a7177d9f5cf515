"""The webhook's public URL: it keeps its address, exists only where it is wanted, and may do little."""

from collections.abc import Iterator

from tests.unit.template.checking import DROPPED, TEMPLATE, finds, statements_of
from tests.unit.template.reading import Node, Template, listed

PUBLIC_ACTIONS = {"sqs:SendMessage", "ssm:GetParameters", "logs:CreateLogStream", "logs:PutLogEvents"}
"""All that a function with a public URL may do."""

FUNCTION: Node = {"Ref": "WebhookFunction"}
URL_RESOURCES: dict[str, tuple[str, Node]] = {
    "WebhookFunctionUrl": ("AWS::Lambda::Url", {"TargetFunctionArn": FUNCTION, "AuthType": "NONE"}),
    "WebhookFunctionUrlPublicPermissions": (
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionName": FUNCTION,
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        },
    ),
    "WebhookFunctionURLInvokeAllowPublicAccess": (
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": FUNCTION,
            "Principal": "*",
            "InvokedViaFunctionUrl": True,
        },
    ),
}
"""Id, type and properties as aws-sam-translator 1.115 made them from `FunctionUrlConfig: {AuthType: NONE}`. With other
ids an update would give a new URL to a stack that has one."""


@finds(
    ("WebhookFunctionUrl", DROPPED),
    ("WebhookFunctionUrl/Properties/AuthType", "AWS_IAM"),
    ("WebhookFunctionUrl/Properties/Cors", {}),
    ("WebhookFunctionUrlPublicPermissions/Properties/FunctionUrlAuthType", DROPPED),
    ("WebhookFunctionURLInvokeAllowPublicAccess/Properties/InvokedViaFunctionUrl", DROPPED),
    ("AnotherPermission", {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": "*"}}),
)
def the_webhook_keeps_its_url(template: Template) -> Iterator[str]:
    found = {
        name: (resource["Type"], resource["Properties"])
        for name, resource in template.resources.items()
        if resource["Type"] in ("AWS::Lambda::Url", "AWS::Lambda::Permission")
    }
    if found != URL_RESOURCES:
        yield f"the resources of the URL are {found}"


@finds(
    *((f"{resource}/Condition", DROPPED) for resource in TEMPLATE.resources if resource.startswith("Webhook")),
    ("/Conditions/WebhookOn/Fn::Equals/1", "off"),
    ("/Conditions/WebhookOn/Fn::Equals/1", "yes"),
    ("/Parameters/Webhook/AllowedValues", [False, True]),
)
def the_webhook_exists_only_where_on(template: Template) -> Iterator[str]:
    if template.parameters["Webhook"]["AllowedValues"] != ["off", "on"]:
        yield "Webhook is something else than off or on"
    off, on = template.present(Webhook="off"), template.present(Webhook="on")
    public = {*template.public_functions, *URL_RESOURCES}
    yield from (f"{name} is there with Webhook off" for name in off if name in public or name.startswith("Webhook"))
    yield from (f"{name} is not there with Webhook on" for name in public if name not in on)


@finds(
    ("WebhookFunction/Properties/FunctionUrlConfig", {"AuthType": "NONE"}),
    ("WebhookFunction/Properties/ReservedConcurrentExecutions", 5),
    ("WebhookFunction/Properties/ReservedConcurrentExecutions", DROPPED),
    ("/Conditions/HasWebhookConcurrency", {"Fn::Equals": ["a", "b"]}),
    (f"{statements_of('WebhookRole')}/0/Action", ["sqs:SendMessage", "sns:Publish"]),
)
def public_functions_are_limited(template: Template) -> Iterator[str]:
    for name, function in template.functions.items():
        if "FunctionUrlConfig" in function:
            yield f"{name} has a URL that `sam deploy --guided` asks about"
        if name not in template.public_functions:
            continue
        match function.get("ReservedConcurrentExecutions"):
            case {"Fn::If": [condition, parameter, {"Ref": "AWS::NoValue"}]} if template.is_switched_off_by(
                condition, parameter, "0"
            ):
                pass
            case _:
                yield f"no parameter bounds what a flood at {name} can cost, with 0 for no bound"
        role = template.arn_of(function["Role"]) or ""
        allowed = {action for statement in template.statements_of(role) for action in listed(statement["Action"])}
        if allowed - PUBLIC_ACTIONS:
            yield f"{name} has a public URL and may {sorted(allowed - PUBLIC_ACTIONS)}"
