"""The floor: the bare calls that ours makes for each recording, with the same libraries.

It makes the same GETs, decodes their JSON, and writes the same bytes, recorded from ours. It has as many threads, with
a requests session each. It has no shared reads, no request budget, no judging, no alerts, no log and no metrics.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import requests

from benchmarks.ours import Call
from benchmarks.world import ALERTING, BATCH
from local.vendor_stub import VendorStub
from runtime.outside import AWS_CONFIG


class Floor:
    def __init__(self, calls: Mapping[int, Sequence[Call]]) -> None:
        dynamodb = boto3.client("dynamodb", config=AWS_CONFIG)
        sns = boto3.client("sns", config=AWS_CONFIG)
        operations: dict[str, Callable[..., Any]] = {
            "PutItem": dynamodb.put_item,
            "UpdateItem": dynamodb.update_item,
            "Publish": sns.publish,
        }
        self._writes = {
            recording_id: [(operations[operation], params) for operation, params in own]
            for recording_id, own in calls.items()
        }
        self._base_url = os.environ["IDENTITYCALL_BASE_URL"]
        self._pool = ThreadPoolExecutor(BATCH)
        self._thread = threading.local()

    def run(self, recording_ids: Sequence[int]) -> None:
        list(self._pool.map(self._one, recording_ids))

    def _one(self, recording_id: int) -> None:
        self._get(f"/recordings/{recording_id}/results")
        if recording_id in ALERTING:
            self._get(f"/recordings/{recording_id}")
        for write, params in self._writes[recording_id]:
            write(**params)

    def _get(self, path: str) -> None:
        response = self._session().get(self._base_url + path, timeout=(3, 5))
        assert response.status_code == 200
        json.loads(response.content)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # as ours: it reads proxy variables and .netrc for every request otherwise
            session.headers["Authorization"] = f"Bearer {VendorStub.api_key}"
            self._thread.session = session
        return session
