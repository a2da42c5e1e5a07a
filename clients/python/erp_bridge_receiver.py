"""The platform's ear (回写接收): verifies what ERP Bridge tells (Standard Webhooks) and hands every message out once.

    receiver = Receiver("hub.db", "whsec_…")

    def hooks_erp(request):                                       # POST /hooks/erp, in any web framework
        try:
            receiver.take(request.headers, request.body, handle)  # the raw bytes, before anything parses them
        except Refused as error:
            return 401, str(error)
        return 204, ""

    def handle(type, data, db):                                   # e.g. "contact.linked", {"contact_id": …, "ord": …}
        db.execute("update contacts set erp_ord = ? where id = ?", (data["ord"], data["contact_id"]))

`handle` runs in the transaction that remembers the message: what it does with `db` happens exactly once, however often the bridge sends. If it
raises, nothing is remembered; answer 5xx, and the bridge sends again. One file, Python 3.9, standard library only.
"""
from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import time
from contextlib import closing
from typing import Any, Callable, Mapping

TOLERANCE_S = 300  # how far the clocks may be apart
REMEMBERED_S = 100 * 86_400  # what the bridge gave up can be sent again for retention.outbox, 90 days
SCHEMA = "create table if not exists erp_heard (id text primary key, at real not null)"

Handle = Callable[[str, Any, sqlite3.Connection], None]


class Refused(Exception):
    """Not from the bridge, or too old: answer 401."""


class Receiver:
    """Verifies with the secret (or several, while one is rotated) and remembers in the SQLite database `path`."""

    def __init__(self, path: str, *secrets: str) -> None:
        if not secrets or not all(secret.startswith("whsec_") for secret in secrets):
            raise ValueError("密钥须为 whsec_… · every secret must begin with whsec_")
        self._path = path
        self._keys = [base64.b64decode(secret[len("whsec_"):]) for secret in secrets]
        with closing(self._open()) as db:
            db.execute(SCHEMA)

    def take(self, headers: Mapping[str, str], body: bytes, handle: Handle) -> bool:
        """Hands a message to `handle`, unless it was before; answers whether it was new. Raises Refused, or what `handle` raises."""
        message_id = self.verify(headers, body)
        message = json.loads(body)
        with closing(self._open()) as db:
            db.execute("begin immediate")
            now = time.time()
            db.execute("delete from erp_heard where at < ?", (now - REMEMBERED_S,))
            new = db.execute("insert or ignore into erp_heard (id, at) values (?, ?)", (message_id, now)).rowcount == 1
            if new:
                handle(message["type"], message["data"], db)
            db.execute("commit")
        return new

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The message's id, if the bridge signed it just now; else raises Refused."""
        given = {name.lower(): value for name, value in headers.items()}
        message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
            raise Refused("时间戳缺失或超差 · webhook-timestamp is missing or too far away")
        signed = f"{message_id}.{timestamp}.".encode() + body
        right = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in self._keys]
        found = given.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(f"v1,{ours}".encode(), theirs.encode()) for ours in right for theirs in found):
            raise Refused("签名不符 · no signature matches")
        return message_id

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)
