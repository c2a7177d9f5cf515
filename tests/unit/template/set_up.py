"""How the table, the topics and the functions are set up, and the contract: parameters and outputs."""

from collections.abc import Iterator

from tests.unit.template.checking import DROPPED, finds, statements_of
from tests.unit.template.reading import Node, Template, texts


@finds(
    ("OutcomeTable", DROPPED),
    ("OutcomeTable/DeletionPolicy", "Retain"),
    ("OutcomeTable/DeletionPolicy", "Delete"),
    ("OutcomeTable/UpdateReplacePolicy", DROPPED),
    ("OutcomeTable/Properties/TimeToLiveSpecification/AttributeName", "ttl"),
    ("OutcomeTable/Properties/SSESpecification/SSEEnabled", False),
    ("OutcomeTable/Properties/DeletionProtectionEnabled", False),
)
def table_is_kept_and_encrypted(template: Template) -> Iterator[str]:
    wanted: Node = {
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "DeletionProtectionEnabled": {"Fn::If": ["IsProd", True, False]},
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    }
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        yield from (f"{name} has not {key} = {value}" for key, value in wanted.items() if table.get(key) != value)
        for policy, wish in {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}.items():
            if template.resources[name].get(policy) != wish:
                yield f"{name} is lost with the stack, or left behind by one that failed: {policy}"
    if not template.of_type("AWS::DynamoDB::Table"):
        yield "there is no table"


@finds(
    ("Dashboard/Properties/DashboardName", "identitycall-alerts"),
    ("SlackQueue/Properties/QueueName", {"Fn::Sub": "${Stage}-slack"}),
)
def two_stacks_live_side_by_side(template: Template) -> Iterator[str]:
    for name, resource in template.resources.items():
        for key, value in resource.get("Properties", {}).items():
            # A policy's name has its role as its scope.
            names_the_resource = key.endswith("Name") and key not in ("DisplayName", "MetricName", "PolicyName")
            refers = isinstance(value, dict) and value.get("Ref") in {*template.resources, *template.parameters}
            if names_the_resource and not refers and not any("AWS::StackName" in text for text in texts(value)):
                yield f"{name} has the {key} {value} in every stack"


@finds(
    ("AlertTopic/Properties/KmsMasterKeyId", DROPPED),
    ("OperationsTopic/Properties/KmsMasterKeyId", "alias/aws/sns"),
)
def topics_are_encrypted_where_alarms_allow_it(template: Template) -> Iterator[str]:
    alarms = template.of_type("AWS::CloudWatch::Alarm").values()
    alarmed = {template.arn_of(action) for alarm in alarms for action in alarm["AlarmActions"]}
    for name, topic in template.of_type("AWS::SNS::Topic").items():
        key = topic.get("KmsMasterKeyId")
        if key != (None if name in alarmed else "alias/aws/sns"):
            yield f"{name} is under {key}"


APART: dict[str, Node] = {"BacktestFunction": {"Timeout": 900, "MemorySize": 1769}}
"""No queue waits for it, and it judges an hour of calls."""


@finds(
    ("SlackFunction/Properties/RecursiveLoop", "Terminate"),
    ("SlackFunction/Properties/MemorySize", 128),
    ("BacktestFunction/Properties/Timeout", 30),
    ("SlackFunction/Properties/LoggingConfig", DROPPED),
    ("SlackLogGroup", DROPPED),
    ("WebhookFunction/Properties/LoggingConfig/SystemLogLevel", "INFO"),
    (f"{statements_of('EvaluationRole')}/6/Action", ["logs:CreateLogStream"]),
)
def functions_are_set_up_alike(template: Template) -> Iterator[str]:
    wanted: Node = {
        "Runtime": {"Ref": "PythonRuntime"},
        "Architectures": [{"Ref": "Architecture"}],
        "CodeUri": "src/",
        "Timeout": 30,
        "MemorySize": 512,
        "Tracing": "PassThrough",
        "RecursiveLoop": "Allow",
    }
    for name, function in template.functions.items():
        of_it = wanted | APART.get(name, {})
        yield from (f"{name} has not {key} = {value}" for key, value in of_it.items() if function.get(key) != value)
        logging = function.get("LoggingConfig", {})
        group = logging.get("LogGroup", {}).get("Ref", "")
        if group not in template.of_type("AWS::Logs::LogGroup"):
            yield f"{name} has no log group of the template"
        elif not template.role_allows(function, "logs:PutLogEvents", group):
            yield f"{name} may not write to {group}"
        if logging.get("LogFormat") != "JSON":
            yield f"{name} does not log JSON"
        if name in template.public_functions and logging.get("SystemLogLevel") != "WARN":
            yield f"Lambda writes lines about every call of {name}, which strangers can call"


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
    "BacktestStateMachineArn": {"Ref": "BacktestStateMachine"},
    "WebhookUrl": {"Fn::GetAtt": ["WebhookFunctionUrl", "FunctionUrl"]},
}


@finds(
    ("/Parameters/RequestsPerMinute", DROPPED),
    ("/Parameters/PythonRuntime/Default", "python3.12"),
    ("/Parameters/LogLevel", {"Type": "String"}),
    ("/Parameters/AlertEmail/ConstraintDescription", DROPPED),
    ("/Outputs/AlertTopicArn", DROPPED),
    ("/Outputs/DiscoveryFunctionName", DROPPED),
    ("/Outputs/AlertTopicArn/Value/Ref", "OperationsTopic"),
)
def parameters_and_outputs_of_the_contract(template: Template) -> Iterator[str]:
    defaults = {name: parameter.get("Default") for name, parameter in template.parameters.items()}
    if defaults != DEFAULTS:
        yield f"the parameters and their defaults are {defaults}"
    outputs = {name: output["Value"] for name, output in template.outputs.items()}
    yield from (f"output {name} is not {want}" for name, want in OUTPUTS.items() if outputs.get(name) != want)
    for name, parameter in template.parameters.items():
        if ("AllowedPattern" in parameter or "MinValue" in parameter) and "ConstraintDescription" not in parameter:
            yield f"parameter {name} does not say in words what it takes"


@finds(
    ("/Outputs/Notifications", DROPPED),
    ("/Outputs/Notifications/Value/Fn::If/2", "all is well"),
    ("/Outputs/Notifications/Value/Fn::If/2/Fn::Sub", "ALERTS REACH NOBODY."),
)
def the_output_says_when_alerts_reach_nobody(template: Template) -> Iterator[str]:
    text = str(template.resolved(template.outputs.get("Notifications", {}).get("Value"), AlertEmail=""))
    words = ("ALERTS REACH NOBODY", "/${AWS::StackName}/slack-webhook-url")
    yield from (f"no output says {word!r} where alerts reach nobody" for word in words if word not in text)
