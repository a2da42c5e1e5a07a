"""Sends a platform's events to ERP Bridge and loses none, and hears what became of them (Receiver, at the end). One file,
standard library only, Python 3.8 or newer: copy it. 把中台的事件可靠地发给 ERP Bridge，并接收回写：一个文件，复制即用。

    sender = Sender("hub.db", "http://127.0.0.1:8080", "whsec_…")
    sender.start()  # a thread that signs and posts
    with sqlite3.connect("hub.db") as db:  # stored and emitted in one transaction: both or neither
        db.execute("insert into messages …")
        data = {"contact": contact(uuid), "signal": signal(7, "你好", direction="them", sent_at="2026-11-23 15:04:05")}
        sender.emit("message.logged", data, "message-7", connection=db)

The outbox is a table of the platform's own SQLite database. Events go one after the other in the order of their commits,
each with one webhook-id at every try. What the bridge will never take is set aside with its words. Whatever else is wrong
(nobody or a stranger answers, a wrong clock or secret) loses nothing: it is tried again after growing pauses, and says why.

    receiver = Receiver("hub.db", "whsec_…")  # of [writeback]; in any web framework:
    def hooks_erp(request):  # POST /hooks/erp
        try:
            receiver.take(request.headers, request.body, handle)  # the raw bytes, before anything parses them
        except Refused as error:
            return 401, str(error)
        return 204, ""

    def handle(type, data, db):  # such as "contact.linked", {"contact_id": …, "ord": …}
        db.execute("update contacts set erp_ord = ? where id = ?", (data["ord"], data["contact_id"]))
"""

from __future__ import annotations

import base64, hmac, http.client, json, logging, os, re, socket, sqlite3, threading, time
from contextlib import closing, nullcontext, suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import partialmethod
from itertools import islice
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Union
from urllib.parse import urlsplit

LOG = logging.getLogger("erp_bridge_sender")  # ids and answers only, nothing of what people wrote
ZONE = timezone(timedelta(hours=8))  # of times that name none: Asia/Shanghai
TIMEOUT_S, POLL_S, PAUSE_MAX_S, RETRY_AFTER_MAX_S, BATCH, ANSWER_BYTES_MAX = 20.0, 1.0, 60.0, 3600.0, 50, 1 << 18
POST_MAX_S = 60.0  # for a whole post: TIMEOUT_S bounds one wait of it, and who drips byte by byte could hold it for ever
KEPT_S, PRUNE_EVERY_S = 30 * 86_400.0, 3600.0  # so long a delivered event is known again, and shown
K_CODE = re.compile(r"[A-Z]{1,4}-\d+|[A-Z]{1,4}0\d\d+")  # K-0042, K0042: the ERP's 客户编号; Leo88 is somebody's nickname
PROBLEM = "urn:erp-bridge:problem:"  # of these, only the following are the event's own: no repetition mends them
TAKEN = ("queued", "held", "duplicate", "ignored", "not_admitted")  # what it calls an event that it has
NEVER_TAKEN = [PROBLEM + name for name in ("invalid_json", "invalid_body", "body_too_large", "id_reused")]

# In the order of sending. `id` is the webhook-id, `body` what is signed (empty once delivered), `words` the latest answer.
SCHEMA = """create table if not exists erp_outbox (
    number integer primary key autoincrement, id text not null unique, contact text not null, type text not null,
    body text not null, state text not null default 'waiting', tries integer not null default 0,
    words text not null default '', changed_at real not null, unique (state, number))"""
INSERT = "insert or ignore into erp_outbox (id, contact, type, body, changed_at) values (?, ?, ?, ?, ?)"
DUE = "select number, id, contact, body, tries from erp_outbox where state = 'waiting' order by number"
NOTE_ANSWER = """update erp_outbox set state = :state, words = :words, tries = tries + 1,
    body = case :state when 'delivered' then '' else body end,
    changed_at = case :state when 'waiting' then changed_at else :now end where number = :number"""
TOLERANCE_S = 300  # how far the clocks may be apart when the bridge tells something
HEARD_S = 100 * 86_400.0  # what the bridge gave up can be sent again for retention.outbox, 90 days
HEARD = """create table if not exists erp_heard (id text primary key, at real not null);
    create index if not exists erp_heard_at on erp_heard (at)"""
Members = Dict[str, Any]
Handle = Callable[[str, Any, sqlite3.Connection], None]
Moment = Union[datetime, str, float, None]
# An event in the outbox, for a page: its latest answer, and the Unix second when it was emitted, set aside or delivered.
Entry = NamedTuple("Entry", [("id", str), ("contact", str), ("type", str), ("tries", int), ("words", str),
                             ("changed_at", float)])
# What came of a post: the event's state from now on; `alone`, if the bridge fails at this very event, and others go on.
Answer = NamedTuple("Answer", [("state", str), ("words", str), ("retry_after_s", Optional[float]), ("alone", bool)])


class Sender:
    """The outbox in the SQLite database `path`, and the thread that empties it to http://host:port. Threads may share it."""

    def __init__(self, path: str, url: str, secret: str) -> None:
        self._path, self._url = os.path.abspath(path), urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname or not secret.startswith("whsec_"):
            raise ValueError(f"须为 http(s)://主机:端口 和 whsec_… 密钥 · an http(s) URL and a secret whsec_…: {url!r}")
        self._key = base64.b64decode(secret[len("whsec_"):])
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        self._http = kind(self._url.hostname, self._url.port, timeout=TIMEOUT_S)  # connects whenever it is closed
        self._thread: threading.Thread | None = None
        self._emitted, self._stopping = threading.Event(), threading.Event()
        self._paused_until: dict[str, float] = {}  # monotonic seconds, of contacts whose event the bridge fails at
        with closing(self._open()) as db:
            db.execute(SCHEMA)

    def emit(self, type: str, data: Members, event_id: str | None = None, connection: sqlite3.Connection | None = None) -> str:
        """Puts an event into the outbox and answers its id. Hand in the `connection` of an open transaction: the event goes
        if that is committed. Make the `event_id` of what happened ("message-7"): emitted again, it adds nothing."""
        event_id = event_id or f"evt_{os.urandom(16).hex()}"
        if not re.fullmatch("[!-~]{1,255}", event_id):
            raise ValueError(f"event_id 须为 1–255 个可见 ASCII 字符 · visible ASCII characters are wanted: {event_id!r}")
        body = json.dumps({"type": type, "timestamp": moment(time.time()), "data": data}, allow_nan=False)
        with nullcontext(connection) if connection else closing(self._open()) as db:
            db.execute(INSERT, (event_id, str(data.get("contact", {}).get("id", "")), type, body, time.time()))
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

    def counts(self) -> dict[str, int]:
        """How many events are waiting, failed, delivered."""
        with closing(self._open()) as db:
            found = dict(db.execute("select state, count(*) from erp_outbox group by state").fetchall())
        return {state: found.get(state, 0) for state in ("waiting", "failed", "delivered")}

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

    def _entries(self, state: str, order: str, limit: int = 100) -> List[Entry]:
        query = f"select {', '.join(Entry._fields)} from erp_outbox where state = ? order by {order} limit ?"
        with closing(self._open()) as db:
            return [Entry(*row) for row in db.execute(query, (state, limit))]

    def _change_failed(self, statement: str, id: str) -> bool:
        with closing(self._open()) as db:
            return db.execute(statement + " where state = 'failed' and id = ?", (id,)).rowcount == 1

    pending = partialmethod(_entries, "waiting", "number")  # what waits, oldest first; the words of the first say why
    failed = partialmethod(_entries, "failed", "number")  # what was set aside, for retry(id) or drop(id)
    delivered = partialmethod(_entries, "delivered", "number desc")  # of the last 30 days: queued, held, not_admitted …
    retry = partialmethod(_change_failed, "update erp_outbox set state = 'waiting', tries = 0")  # before all that waits
    drop = partialmethod(_change_failed, "delete from erp_outbox")  # for good; both are False if it is none of those

    def _run(self) -> None:
        lock, prune_at = sqlite3.connect(self._path + "-sender", timeout=0, isolation_level=None), 0.0
        with closing(lock), closing(self._open()) as db, closing(self._http):
            while not self._stopping.is_set():
                try:
                    if not lock.in_transaction:  # who holds it sends; the system frees it however a process ends
                        lock.execute("begin exclusive")
                    if prune_at <= time.monotonic():
                        oldest, prune_at = time.time() - KEPT_S, time.monotonic() + PRUNE_EVERY_S
                        db.execute("delete from erp_outbox where state = 'delivered' and changed_at < ?", (oldest,))
                    self._stopping.wait(self._send_some(db))
                except Exception as error:  # whatever it is, the thread must not end while there is something to send
                    is_busy = isinstance(error, sqlite3.OperationalError)  # or another process sends
                    LOG.log(logging.DEBUG if is_busy else logging.ERROR, "not now: %s", error, exc_info=not is_busy)
                    self._stopping.wait(POLL_S if is_busy else PAUSE_MAX_S)

    def _send_some(self, db: sqlite3.Connection) -> float:
        """Posts the first events of contacts that are not paused; answers how many seconds the rest has to wait. Their
        answers are written together: a disk is slower than a bridge, and what is posted again is told "duplicate"."""
        begun, notes, pause = time.monotonic(), [], 0.0
        self._paused_until = {contact: until for contact, until in self._paused_until.items() if until > begun}
        with closing(db.execute(DUE)) as rows:
            batch = list(islice((row for row in rows if row[2] not in self._paused_until), BATCH))
        for number, id, contact, body, tries in batch:
            if self._stopping.is_set() or pause or time.monotonic() - begun > POLL_S:
                break
            if contact in self._paused_until:
                continue
            answer = self._post(id, body)
            notes.append({"state": answer.state, "words": answer.words, "now": time.time(), "number": number})
            if answer.state == "waiting":
                wait = max(answer.retry_after_s or 0.0, min(2.0 ** min(tries, 10), PAUSE_MAX_S))
                self._paused_until[contact] = time.monotonic() + wait
                pause = 0.0 if answer.alone else wait
        if notes:
            db.execute("begin immediate")
            with db:
                db.executemany(NOTE_ANSWER, notes)
        else:
            self._http.close()
            self._emitted.wait(POLL_S)  # an event of another process, or of a transaction, is found by looking
            self._emitted.clear()
        return pause

    def _post(self, id: str, body: str) -> Answer:
        signed_at = str(int(time.time()))
        signature = hmac.digest(self._key, f"{id}.{signed_at}.{body}".encode(), "sha256")
        headers = {"content-type": "application/json", "webhook-id": id, "webhook-timestamp": signed_at,
                   "webhook-signature": "v1," + base64.b64encode(signature).decode()}
        deadline = threading.Timer(0.0, lambda: None)
        try:
            if self._http.sock is None:
                self._http.connect()
            deadline = threading.Timer(POST_MAX_S, hang_up, (self._http.sock,))
            deadline.daemon = True
            deadline.start()
            self._http.request("POST", self._url.path.rstrip("/") or "/webhooks/events", body.encode(), headers)
            response = self._http.getresponse()
            answer = judge(response.status, response.headers, response.read(ANSWER_BYTES_MAX))
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: hung up on while it was reading
            answer = Answer("waiting", f"ERP Bridge 没有应答 · the bridge does not answer: {error!r}", None, False)
        finally:
            deadline.cancel()
        if answer.state != "delivered":
            LOG.warning("%s is %s: %s", id, answer.state, answer.words)
            self._http.close()
        return answer


def hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # it may be over just now
        sock.shutdown(socket.SHUT_RDWR)


def judge(status: int, headers: http.client.HTTPMessage, text: bytes) -> Answer:
    """What an answer means for its event. Nobody but the bridge is believed: a proxy's page decides nothing."""
    try:
        said = dict(json.loads(text))
    except (ValueError, TypeError):
        said = {}
    lists = [said[name] for name in ("reasons", "warnings", "errors") if isinstance(said.get(name), list)]
    found = [item for items in lists for item in items if isinstance(item, dict)]
    details = "".join(f"; {item.get('pointer') or item.get('rule')}: {item.get('message')}" for item in found)
    if status in (200, 202) and said.get("id") and said.get("status") in TAKEN:
        return Answer("delivered", f"{said['status']}{details}", None, False)
    problem, words = str(said.get("type")), f"{status} {said.get('detail')}{details}"
    if problem in NEVER_TAKEN:
        return Answer("failed", words, None, False)
    if not problem.startswith(PROBLEM):
        words = f"{status}：不是 ERP Bridge 的应答，请检查地址和代理 · not the bridge: check the address and the proxies"
    elif problem == PROBLEM + "timestamp_out_of_tolerance" and headers["date"]:
        ahead_s = round(time.time() - parsedate_to_datetime(headers["date"]).timestamp())
        words = f"本机时钟{'快' if ahead_s > 0 else '慢'} {abs(ahead_s)} 秒 · this clock is {ahead_s:+d} s off. {words}"
    wait = min(float(headers["retry-after"]), RETRY_AFTER_MAX_S) if str(headers["retry-after"]).isdecimal() else None
    return Answer("waiting", words, wait, problem == PROBLEM + "internal")


# What platforms have, as the contract wants it. Only a wrong id raises ValueError: the rest is the bridge's to judge.
def contact(id: object, name: str | None = None, *, phone: str | int | None = None, phone_verified: bool | int | None = None,
            wechat_id: str | None = None, company: str | None = None, source: str | None = None, notes: str | None = None,
            address: str | None = None, email: str | None = None, job: str | None = None, khid: str | None = None,
            ord: int | None = None) -> Members:
    """A contact by its UUID or number, never its nickname. `khid` is the K-code of a customer that the ERP has, `ord` its
    internal number; a K-code in the place of the name is taken for one, and a bare number is left out."""
    if isinstance(id, bool) or not re.fullmatch(r"(?=.*\d)[A-Za-z0-9_-]{1,48}", str(id)):
        raise ValueError(f"联系人 id 须为 UUID 或编号，不能是昵称 · a contact's id is its UUID, not a nickname: {id!r}")
    code = K_CODE.fullmatch((name or "").strip())
    erp = {"khid": khid or (code and code.group()), "ord": ord}
    return _known(id, name=best_name(name), phone=phone and str(phone), wechat_id=wechat_id, company=company, source=source,
                  phone_verified=None if phone_verified is None else bool(int(phone_verified)), notes=notes, address=address,
                  email=email, job=job, erp={key: value for key, value in erp.items() if value is not None})


def best_name(*names: str | None) -> str | None:
    """The first that can be somebody's name (remark, nickname …): no customer code such as K-0042, number or bare emoji."""
    texts = ((name or "").strip() for name in names)
    return next((text for text in texts if any(map(str.isalpha, text)) and not K_CODE.fullmatch(text)), None)


def thread(id: object, score: float | None = None, bucket: str | None = None, previous_bucket: str | None = None) -> Members:
    """A thread; `score` is the best of its messages (0 to 100), or 100 where a person decided."""
    buckets = {"bucket": (bucket or "").upper(), "previous_bucket": (previous_bucket or "").upper()}
    return _known(id, score=None if score is None else float(score), **buckets)


def signal(id: object, content: str | None = None, *, file: str | None = None, direction: str | None = None,
           channel: str | None = None, sent_at: Moment = None) -> Members:
    """A message with its text, or the name of the file that it is; `direction` is them or me."""
    named = file and "[文件] " + re.split(r"[/\\]", file)[-1]
    said = "\n".join(part for part in ((content or "").strip(), named) if part)
    direction = {"me": "outbound", "them": "inbound"}.get(direction or "", direction)
    return _known(id, content=said, direction=direction, channel=channel, sent_at=moment(sent_at))


def deal(id: object, amount: Decimal | float | str | None = None, *, title: str | None = None,
         currency: str | None = None, closed_at: Moment = None) -> Members:
    """An order, contract or payment, by its own id; its amount is rounded to cents if it is no text."""
    text = f"{amount:.2f}" if isinstance(amount, (float, Decimal)) else "" if amount is None else str(amount)
    return _known(id, amount=re.sub("[,，¥￥ ]", "", text), title=title, currency=currency, closed_at=moment(closed_at))


def moment(at: Moment) -> str | None:
    """A time as RFC 3339 has it, in ZONE if it names none; of a datetime, a text of one, or Unix seconds."""
    if isinstance(at, (int, float)):
        at = datetime.fromtimestamp(at, ZONE)
    with suppress(ValueError):
        at = datetime.fromisoformat(at.strip().replace("Z", "+00:00")) if isinstance(at, str) else at
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).isoformat() if isinstance(at, datetime) else at


def _known(id: object, **members: Any) -> Members:
    if id is None or isinstance(id, bool) or not str(id).strip():
        raise ValueError(f"缺少 id · an id is missing: {id!r}")
    return {"id": str(id).strip(), **{key: value for key, value in members.items() if value not in (None, "", {})}}


class Refused(Exception):
    """What came is not the bridge's, or too old: answer 401."""


class Receiver:
    """Takes what the bridge tells (回写, Standard Webhooks), each message once; verifies with the secret, or with several while
    one is rotated. `handle` runs in the transaction, in the SQLite database `path`, that remembers the message: what it does
    with `db` happens exactly once, however often the bridge sends. If it raises, nothing is remembered: answer 5xx."""

    def __init__(self, path: str, *secrets: str) -> None:
        if not secrets or not all(secret.startswith("whsec_") for secret in secrets):
            raise ValueError("密钥须为 whsec_… · every secret must begin with whsec_")
        self._path = os.path.abspath(path)
        self._keys = [base64.b64decode(secret[len("whsec_"):]) for secret in secrets]
        with closing(self._open()) as db:
            db.executescript(HEARD)

    def take(self, headers: Mapping[str, str], body: bytes, handle: Handle) -> bool:
        """Hands a message to `handle` unless it was before; answers whether it was new. Raises Refused, or what `handle` raises."""
        message_id = self.verify(headers, body)
        message = json.loads(body)
        with closing(self._open()) as db:
            db.execute("begin immediate")
            now = time.time()
            db.execute("delete from erp_heard where at < ?", (now - HEARD_S,))
            is_new = db.execute("insert or ignore into erp_heard (id, at) values (?, ?)", (message_id, now)).rowcount == 1
            if is_new:
                handle(message["type"], message["data"], db)
            db.execute("commit")
        return is_new

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The message's id, if the bridge signed it just now; else raises Refused."""
        given = {name.lower(): value for name, value in headers.items()}
        message_id, signed_at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        if not signed_at.isdecimal() or abs(time.time() - int(signed_at)) > TOLERANCE_S:
            raise Refused("时间戳缺失或超差 · webhook-timestamp is missing or too far away")
        signed = f"{message_id}.{signed_at}.".encode() + body
        right = ["v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in self._keys]
        found = given.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(ours.encode(), theirs.encode()) for ours in right for theirs in found):
            raise Refused("签名不符 · no signature matches")
        return message_id

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)
