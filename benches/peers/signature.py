"""The check of a Standard Webhooks signature that both Python contestants make, as the scheme's document describes it."""

import base64
import hashlib
import hmac
import os
import time
from typing import Mapping

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 300


def is_valid(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the request's signatures is over this body, with our key, and of now."""
    identity, sent, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not sent.isdigit() or abs(time.time() - int(sent)) > TOLERANCE_SECONDS:
        return False
    digest = hmac.digest(KEY, f"{identity}.{sent}.".encode() + body, hashlib.sha256)
    wanted = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(wanted, each) for each in given.split())
