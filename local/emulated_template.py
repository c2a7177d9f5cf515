"""The built template as the emulator can take it: what it lacks is taken out, and nothing else.

- It speaks plain http, and would refuse its own clients where a policy asks for TLS.
- It knows no alarm over an expression: such an alarm watches the plain metric there. No alarm acts in it anyway.
- It knows no `Fn::Split` in a condition: such a condition is false there. Only an alarm's period depends on one.

The template's tests hold all three in the template itself.
"""

from __future__ import annotations

import copy
import json
from typing import Any

Node = dict[str, Any]

FALSE: Node = {"Fn::Equals": ["true", "false"]}


def amended(template: Node) -> Node:
    """A copy of a template in CloudFormation's long forms (`{"Ref": …}`), to be deployed into the emulator."""
    changed = copy.deepcopy(template)
    conditions: Node = changed["Conditions"]
    conditions |= {name: FALSE for name, condition in conditions.items() if "Fn::Split" in json.dumps(condition)}
    resources: dict[str, Node] = changed["Resources"]
    for name, resource in list(resources.items()):
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            policy = properties["PolicyDocument"]
            policy["Statement"] = [each for each in policy["Statement"] if not _asks_for_tls(each)]
            if not policy["Statement"]:
                del resources[name]
        elif resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
            (measured,) = (each["MetricStat"] for each in properties.pop("Metrics") if "MetricStat" in each)
            properties |= {**measured["Metric"], "Statistic": measured["Stat"], "Period": measured["Period"]}
    return changed


def _asks_for_tls(statement: Node) -> bool:
    return statement["Effect"] == "Deny" and "aws:SecureTransport" in statement["Condition"].get("Bool", {})
