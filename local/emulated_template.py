"""The built template as the emulator can take it: without the statements that refuse requests that use no TLS.

The emulator speaks plain http, so it would refuse its own clients. The template's tests hold these statements.
"""

from __future__ import annotations

import copy
from typing import Any

Node = dict[str, Any]


def amended(template: Node) -> Node:
    """A copy of a template in CloudFormation's long forms (`{"Ref": …}`), to be deployed into the emulator."""
    changed = copy.deepcopy(template)
    resources: dict[str, Node] = changed["Resources"]
    for name, resource in list(resources.items()):
        if resource["Type"] in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            policy = resource["Properties"]["PolicyDocument"]
            policy["Statement"] = [each for each in policy["Statement"] if not _asks_for_tls(each)]
            if not policy["Statement"]:
                del resources[name]
    return changed


def _asks_for_tls(statement: Node) -> bool:
    return statement["Effect"] == "Deny" and "aws:SecureTransport" in statement["Condition"].get("Bool", {})
