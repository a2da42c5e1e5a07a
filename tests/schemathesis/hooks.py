"""What schemathesis cannot know of this API: the signature of webhooks, and that a stream must be told when to end."""

import base64
import hashlib
import hmac
import os
import re
import time

import schemathesis

SECRET = base64.b64decode(os.environ["ERP_BRIDGE_SECRET"].removeprefix("whsec_"))
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Signature:
    """Signs the bytes that are sent, as a sender would. A request whose headers are missing or malformed on purpose is
    left as it is."""

    def __call__(self, request):
        values = [request.headers.get(name) for name in HEADERS]
        if any(value is None for value in values):
            return request
        delivery, timestamp, _ = (value.decode("latin-1") if isinstance(value, bytes) else value for value in values)
        if not re.fullmatch(r"[!-~]{1,255}", delivery) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
            return request
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        timestamp = str(int(time.time()))
        signed = f"{delivery}.{timestamp}.".encode() + body
        mac = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        request.headers["webhook-timestamp"] = timestamp
        request.headers["webhook-signature"] = f"v1,{mac}"
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path == "/webhooks/events":
        kwargs["auth"] = Signature()
    if case.operation.path == "/v1/stream":
        params = dict(kwargs.get("params") or case.query or {})
        params.setdefault("seconds", "1")
        kwargs["params"] = params
