"""Signs the webhooks that schemathesis makes up, so that they get past the door (Standard Webhooks).

Run against a throw-away bridge; the stream never ends and is left out, and one worker avoids a recursion fault of
CPython 3.11 in Hypothesis:

    ERP_BRIDGE_SECRET=whsec_... SCHEMATHESIS_HOOKS=hooks st run http://HOST:PORT/openapi.yaml \
        -H "Authorization: Bearer TOKEN" --exclude-path /v1/stream --checks all --workers 1 \
        --phases examples,coverage,fuzzing
"""

import base64
import hashlib
import hmac
import json
import os
import time
import uuid

import schemathesis
from schemathesis.core import NotSet

KEY = base64.b64decode(os.environ["ERP_BRIDGE_SECRET"].removeprefix("whsec_"))


def headers_are_wrong_on_purpose(case):
    if case.meta is None or case.meta.generation.mode.value != "negative":
        return False
    return any(
        part.value.lower().startswith("header") and info.mode.value == "negative"
        for part, info in case.meta.components.items()
    )


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path != "/webhooks/events" or isinstance(case.body, NotSet) or headers_are_wrong_on_purpose(case):
        return
    raw = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    case.headers = case.headers or {}
    ident, at = "evt_" + uuid.uuid4().hex, str(int(time.time()))
    mac = hmac.new(KEY, f"{ident}.{at}.".encode() + raw, hashlib.sha256).digest()
    case.headers["webhook-id"] = ident
    case.headers["webhook-timestamp"] = at
    case.headers["webhook-signature"] = "v1," + base64.b64encode(mac).decode()
