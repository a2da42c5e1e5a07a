"""Sends a platform's events to ERP Bridge and loses none. One file, standard library only, Python 3.8 or newer: copy it.

把中台的事件可靠地发给 ERP Bridge：一个文件，只用标准库，复制即用。

    sender = Sender("hub.db", "http://127.0.0.1:8080", "whsec_…")
    sender.start()  # a thread that signs and posts

    with sqlite3.connect("hub.db") as db:  # stored and emitted in one transaction: both or neither
        db.execute("insert into messages …")
        data = {"contact": contact(uuid), "signal": signal(7, "你好", direction="them", sent_at="2026-11-23 15:04:05")}
        sender.emit("message.logged", data, event_id="message-7", connection=db)

The outbox is a table of the platform's own SQLite database. Its events go one after the other in the order of their commits,
each with the same webhook-id at every try. What the bridge will never take as it is, is set aside with the bridge's words, and
later events of that contact go on. Whatever else is wrong (the bridge is away, something between answers in its place, a clock
or the secret is wrong) loses nothing: the event is tried again after growing pauses, and its words say why it waits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import logging
import os
import re
import sqlite3
import threading
import time
import uuid
from contextlib import closing
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, NamedTuple, Union
from urllib.parse import urlsplit

LOG = logging.getLogger("erp_bridge_sender")  # ids and answers only, nothing of what people wrote
ZONE = timezone(timedelta(hours=8))  # of times that name none: Asia/Shanghai
TIMEOUT_S, POLL_S, PAUSE_MAX_S, RETRY_AFTER_MAX_S = 20.0, 1.0, 60.0, 3600.0
KEPT_S, PRUNE_EVERY_S = 30 * 86_400.0, 3600.0  # so long emit() knows a delivered event again, and delivered() shows it
BATCH, ANSWER_BYTES_MAX = 50, 1 << 18
PROBLEM = "urn:erp-bridge:problem:"
# What no repetition of the event can mend. The bridge's other problems are not the event's fault.
NEVER_TAKEN = [PROBLEM + name for name in ("invalid_json", "invalid_body", "body_too_large", "id_reused")]

SCHEMA = """
create table if not exists erp_outbox (
    number integer primary key autoincrement,  -- the order of sending
    id text not null unique,                   -- webhook-id
    contact text not null,
    type text not null,
    body text not null,                        -- what is signed, the same at every try; empty once delivered
    state text not null default 'waiting',     -- waiting, delivered, failed
    tries integer not null default 0,
    words text not null default '',            -- the latest answer, for people
    changed_at real not null                   -- Unix seconds
);
create index if not exists erp_outbox_by_state on erp_outbox (state, number);
"""
INSERT = "insert or ignore into erp_outbox (id, contact, type, body, changed_at) values (?, ?, ?, ?, ?)"
NOTE_ANSWER = """
update erp_outbox set state = :state, words = :words, tries = tries + 1,
    body = case :state when 'delivered' then '' else body end,
    changed_at = case :state when 'waiting' then changed_at else :now end
where number = :number
"""
PRUNE = "delete from erp_outbox where state = 'delivered' and changed_at < ?"


class Entry(NamedTuple):
    """An event in the outbox, for a page that people look at."""

    id: str
    contact: str
    type: str
    tries: int
    words: str  # what was answered last, Chinese and English; empty before the first try
    changed_at: float  # Unix seconds: when it was emitted, set aside or delivered


class Answer(NamedTuple):
    """What came of a post."""

    state: str  # of the event from now on: waiting, delivered, failed
    words: str
    retry_after_s: float | None = None
    alone: bool = False  # the bridge fails at this very event: nobody but its contact has to wait


class Sender:
    """The outbox in the SQLite database `path`, and the thread that empties it. Threads may share it."""

    def __init__(self, path: str, url: str, secret: str) -> None:
        """`url` is http://host:port; ValueError if it or the secret (whsec_<base64>) cannot be used."""
        self._path, self._url = os.path.abspath(path), urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ValueError(f"地址须为 http(s)://主机:端口 · not an http(s) URL: {url!r}")
        if not secret.startswith("whsec_"):
            raise ValueError("密钥须为 whsec_… · the secret must begin with whsec_")
        self._key = base64.b64decode(secret[len("whsec_"):])
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        self._http = kind(self._url.hostname, self._url.port, timeout=TIMEOUT_S)  # connects whenever it is closed
        self._thread: threading.Thread | None = None
        self._emitted, self._stopping = threading.Event(), threading.Event()
        self._paused_until: dict[str, float] = {}  # monotonic seconds, of contacts whose event the bridge fails at
        with closing(self._open()) as db:
            db.executescript(SCHEMA)

    def emit(self, type: str, data: dict[str, Any], event_id: str | None = None,
             connection: sqlite3.Connection | None = None) -> str:
        """Puts an event into the outbox and answers its id. With `connection` (to the same database) it belongs to the
        caller's transaction, and is sent if that is committed; hand it in wherever one is open, for the outbox would have
        to wait for its end. An `event_id` that was emitted before is the same event
        and adds nothing: make it of what happened ("message-7"), of 1 to 255 visible ASCII characters."""
        event_id = event_id or f"evt_{uuid.uuid4().hex}"
        if not re.fullmatch("[!-~]{1,255}", event_id):
            raise ValueError(f"event_id 须为 1–255 个可见 ASCII 字符 · visible ASCII characters are wanted: {event_id!r}")
        body = json.dumps({"type": type, "timestamp": moment(time.time()), "data": data}, allow_nan=False)
        row = (event_id, str(data.get("contact", {}).get("id", "")), type, body, time.time())
        if connection is not None:
            connection.execute(INSERT, row)
        else:
            self._change(INSERT, row)
        self._emitted.set()
        return event_id

    def start(self) -> None:
        """Starts the thread; in a server that forks, after the fork. Of all processes with one outbox, one sends."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="erp-bridge-sender", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the post under way; what waits stays in the outbox."""
        self._stopping.set()
        self._emitted.set()
        if self._thread is not None:
            self._thread.join()

    def pending(self, limit: int = 100) -> list[Entry]:
        """What waits, oldest first; the words of the first say why it does."""
        return self._list("waiting", "number", limit)

    def failed(self, limit: int = 100) -> list[Entry]:
        """What was set aside, oldest first: for retry() once its cause is gone, or for drop()."""
        return self._list("failed", "number", limit)

    def delivered(self, limit: int = 100) -> list[Entry]:
        """What the bridge took in the last 30 days, latest first; its words begin with queued, held, not_admitted …"""
        return self._list("delivered", "number desc", limit)

    def counts(self) -> dict[str, int]:
        """How many events are waiting, failed, delivered."""
        with closing(self._open()) as db:
            found = dict(db.execute("select state, count(*) from erp_outbox group by state").fetchall())
        return {state: found.get(state, 0) for state in ("waiting", "failed", "delivered")}

    def retry(self, id: str) -> bool:
        """Sends again what was set aside, before all that waits; False if there is no such event."""
        return self._change("update erp_outbox set state = 'waiting', tries = 0 where state = 'failed' and id = ?", (id,))

    def drop(self, id: str) -> bool:
        """Forgets what was set aside; False if there is no such event."""
        return self._change("delete from erp_outbox where state = 'failed' and id = ?", (id,))

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

    def _list(self, state: str, order: str, limit: int) -> list[Entry]:
        query = f"select {', '.join(Entry._fields)} from erp_outbox where state = ? order by {order} limit ?"
        with closing(self._open()) as db:
            return [Entry(*row) for row in db.execute(query, (state, limit))]

    def _change(self, statement: str, values: Any) -> bool:
        with closing(self._open()) as db:
            return db.execute(statement, values).rowcount == 1

    def _run(self) -> None:
        # Who holds this lock sends. The system frees it when its process ends, in whatever way.
        lock = sqlite3.connect(self._path + "-sender", timeout=0, isolation_level=None)
        with closing(lock), closing(self._open()) as db:
            prune_at = time.monotonic()
            while not self._stopping.is_set():
                try:
                    if not lock.in_transaction:
                        lock.execute("begin exclusive")
                    if prune_at <= time.monotonic():
                        prune_at += PRUNE_EVERY_S
                        db.execute(PRUNE, (time.time() - KEPT_S,))
                    self._stopping.wait(self._send_some(db))
                except sqlite3.OperationalError as error:
                    LOG.debug("another process sends, or the database is busy: %s", error)
                    self._stopping.wait(POLL_S)
                except Exception:  # whatever it is, the thread must not end while there is something to send
                    LOG.exception("the outbox cannot be emptied now")
                    self._stopping.wait(PAUSE_MAX_S)
        self._http.close()

    def _send_some(self, db: sqlite3.Connection) -> float:
        """Posts the first events of contacts that are not paused; answers how many seconds the rest has to wait. Their
        answers are written together: a disk is slower than a bridge, and what is posted again is told "duplicate"."""
        begun, notes, pause = time.monotonic(), [], 0.0
        for number, id, contact, body, tries in self._due(db):
            if self._stopping.is_set() or pause or time.monotonic() - begun > POLL_S:
                break
            if contact in self._paused_until:
                continue
            answer = self._post(id, body)
            notes.append({"state": answer.state, "words": answer.words, "now": time.time(), "number": number})
            if answer.state != "delivered":
                LOG.warning("%s is %s: %s", id, answer.state, answer.words)
            if answer.state == "waiting":
                wait = answer.retry_after_s or min(2.0 ** min(tries, 10), PAUSE_MAX_S)
                if answer.alone:
                    self._paused_until[contact] = time.monotonic() + wait
                else:
                    pause = wait
        if notes:
            db.execute("begin immediate")
            with db:
                db.executemany(NOTE_ANSWER, notes)
        else:
            self._http.close()
            self._emitted.wait(POLL_S)  # an event of another process, or of a transaction, is found by looking
            self._emitted.clear()
        return pause

    def _due(self, db: sqlite3.Connection) -> list[Any]:
        now = time.monotonic()
        self._paused_until = {contact: until for contact, until in self._paused_until.items() if until > now}
        rows = db.execute("select number, id, contact, body, tries from erp_outbox where state = 'waiting' order by number")
        with closing(rows):
            return list(islice((row for row in rows if row[2] not in self._paused_until), BATCH))

    def _post(self, id: str, body: str) -> Answer:
        signed_at = str(int(time.time()))
        signature = hmac.new(self._key, f"{id}.{signed_at}.{body}".encode(), hashlib.sha256).digest()
        headers = {"content-type": "application/json", "webhook-id": id, "webhook-timestamp": signed_at,
                   "webhook-signature": "v1," + base64.b64encode(signature).decode()}
        try:
            self._http.request("POST", self._url.path.rstrip("/") or "/webhooks/events", body.encode(), headers)
            response = self._http.getresponse()
            answer = judge(response.status, response.headers, response.read(ANSWER_BYTES_MAX))
        except (OSError, http.client.HTTPException) as error:
            answer = Answer("waiting", f"ERP Bridge 没有应答 · {self._url.hostname} does not answer: {error!r}")
        if answer.state != "delivered":
            self._http.close()
        return answer


def judge(status: int, headers: http.client.HTTPMessage, text: bytes) -> Answer:
    """What an answer means for its event. Nobody but the bridge is believed: a proxy's page decides nothing."""
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    found = [item for name in ("reasons", "warnings", "errors") for item in said.get(name) or () if isinstance(item, dict)]
    details = "".join(f"; {item.get('pointer') or item.get('rule')}: {item.get('message')}" for item in found)
    if status in (200, 202) and said.get("id") and said.get("status"):
        return Answer("delivered", f"{said['status']}{details}")
    problem, words = str(said.get("type")), f"{status} {said.get('detail')}{details}"
    if problem in NEVER_TAKEN:
        return Answer("failed", words)
    if not problem.startswith(PROBLEM):
        words = f"{status}：不是 ERP Bridge 的应答，请检查地址和代理 · not the bridge: check the address and the proxies"
    elif problem == PROBLEM + "timestamp_out_of_tolerance" and headers["date"]:
        ahead_s = round(time.time() - parsedate_to_datetime(headers["date"]).timestamp())
        words = f"本机时钟{'快' if ahead_s > 0 else '慢'} {abs(ahead_s)} 秒 · this clock is {ahead_s:+d} s off. {words}"
    retry_after = headers["retry-after"] or ""
    wait = min(float(retry_after), RETRY_AFTER_MAX_S) if retry_after.isdecimal() else None
    return Answer("waiting", words, wait, alone=problem == PROBLEM + "internal")


# What platforms have, as the contract wants it. A wrong id raises ValueError, for only a program can be at fault for it;
# whatever else is wrong is the bridge's to judge, so that no odd record stops the platform's own work.

Id = Union[str, int, uuid.UUID]
Moment = Union[datetime, str, float, None]
K_CODE = re.compile(r"[A-Za-z]{1,4}-?\d+")  # K-0042: how a platform calls the ERP's 客户编号


def contact(id: Id, name: str | None = None, *, phone: str | int | None = None,
            phone_verified: bool | int | None = None, wechat_id: str | None = None, company: str | None = None,
            source: str | None = None, notes: str | None = None, address: str | None = None,
            email: str | None = None, job: str | None = None, khid: str | None = None,
            ord: int | None = None) -> dict[str, Any]:
    """A contact by its UUID or number, never its nickname. `khid` is the K-code of a customer that the ERP has, `ord` its
    internal number; a K-code in the place of the name is taken for one, and a bare number is left out."""
    text = str(id)
    if isinstance(id, bool) or not re.fullmatch(r"(?=.*\d)[A-Za-z0-9_-]{1,48}", text):
        raise ValueError(f"联系人 id 须为 UUID 或编号，不能是昵称 · a contact's id is its UUID, not a nickname: {text!r}")
    if khid is None and K_CODE.fullmatch((name or "").strip()):
        khid = (name or "").strip()
    return _known(id=text, name=best_name(name), phone=None if phone is None else str(phone), wechat_id=wechat_id,
                  phone_verified=None if phone_verified is None else bool(int(phone_verified)), company=company,
                  source=source, notes=notes, address=address, email=email, job=job,
                  erp=_known(khid=khid, ord=ord) or None)


def best_name(*names: str | None) -> str | None:
    """The first that can be somebody's name (remark, nickname …): no customer code such as K-0042, number or bare emoji."""
    texts = ((name or "").strip() for name in names)
    return next((text for text in texts if any(map(str.isalpha, text)) and not K_CODE.fullmatch(text)), None)


def thread(id: Id, score: float | None = None, bucket: str | None = None,
           previous_bucket: str | None = None) -> dict[str, Any]:
    """A thread; `score` is the best of its messages (0 to 100), or 100 where a person decided."""
    return _known(id=_id(id), score=None if score is None else float(score), bucket=bucket and bucket.upper(),
                  previous_bucket=previous_bucket and previous_bucket.upper())


def signal(id: Id, content: str | None = None, *, file: str | None = None, direction: str | None = None,
           channel: str | None = None, sent_at: Moment = None) -> dict[str, Any]:
    """A message with its text, or the name of the file that it is; `direction` is them or me."""
    named = file and "[文件] " + re.split(r"[/\\]", file)[-1]
    said = "\n".join(part for part in ((content or "").strip(), named) if part)
    sides = {"me": "outbound", "them": "inbound"}
    return _known(id=_id(id), content=said, direction=sides.get(direction or "", direction), channel=channel,
                  sent_at=moment(sent_at))


def deal(id: Id, amount: Decimal | float | str | None = None, *, title: str | None = None,
         currency: str | None = None, closed_at: Moment = None) -> dict[str, Any]:
    """An order, contract or payment, by its own id; its amount is rounded to cents if it is no text."""
    if isinstance(amount, (float, Decimal)):
        amount = f"{amount:.2f}"
    return _known(id=_id(id), amount=amount and re.sub("[,，¥￥ ]", "", str(amount)), title=title, currency=currency,
                  closed_at=moment(closed_at))


def moment(at: Moment) -> str | None:
    """A time as RFC 3339 has it, in ZONE if it names none; of a datetime, a text of one, or Unix seconds."""
    if at is None:
        return None
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at.strip().replace("Z", "+00:00"))
        except ValueError:
            return str(at)
    elif not isinstance(at, datetime):
        at = datetime.fromtimestamp(at, ZONE)
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).isoformat()


def _id(id: Id) -> str:
    if id is None or isinstance(id, bool) or not str(id).strip():
        raise ValueError(f"缺少 id · an id is missing: {id!r}")
    return str(id).strip()


def _known(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None and value != ""}
