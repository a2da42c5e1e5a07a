"""Sends a platform's events to ERP Bridge and loses none; hears what became of them (Receiver).
把中台的事件可靠地发给 ERP Bridge，并接收回写：一个文件，只用标准库，Python 3.8 起，复制即用。

    sender = Sender("hub.db", "http://127.0.0.1:8080", "whsec_…")
    sender.start()  # a thread that signs and posts
    with sqlite3.connect("hub.db") as db:  # stored and emitted in one transaction: both or neither
        db.execute("insert into messages …")
        data = {"contact": contact(uuid), "signal": signal(7, "你好", direction="them")}
        sender.emit("message.logged", data, event_id="message-7", connection=db)

Events go one after the other in the order of their commits, each with one webhook-id at every try.
What the bridge will never take is set aside with its words; all else is tried again, and says why.
"""
from __future__ import annotations

import base64, hmac, http.client, json, logging, os, re, socket, sqlite3, threading, time
from contextlib import closing, nullcontext, suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import partial, partialmethod
from itertools import islice
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Union
from urllib.parse import urlsplit

LOG = logging.getLogger("erp_bridge_sender")  # ids and answers only, nothing of what people wrote
ZONE = timezone(timedelta(hours=8))  # of times that name none: Asia/Shanghai
TIMEOUT_S, POST_MAX_S = 20.0, 60.0  # of one wait, and of a whole post: an answer may drip for ever
POLL_S, PAUSE_MAX_S, RETRY_AFTER_MAX_S = 1.0, 60.0, 3600.0
BATCH, ANSWER_BYTES_MAX = 50, 1 << 18
KEPT_S = 30 * 86_400.0  # how long a delivered event is known, and shown
TOLERANCE_S, HEARD_S = 300, 100 * 86_400.0  # of the bridge's clock; it may repeat for 90 days
K_CODE = re.compile(r"[A-Z]{1,4}-\d+|[A-Z]{1,4}0\d\d+")  # K-0042, K0042; Leo88 is a nickname
TAKEN = ("queued", "held", "duplicate", "ignored", "not_admitted")  # an event that the bridge has
PROBLEM = "urn:erp-bridge:problem:"  # of these, no repetition mends the following
NEVER = ("invalid_json", "invalid_body", "body_too_large", "id_reused")

_open = partial(sqlite3.connect, timeout=30, isolation_level=None)
# In the order of sending. `body` is what is signed, empty once delivered; `words` the last answer.
OUTBOX = """create table if not exists erp_outbox (
    number integer primary key autoincrement, id text not null unique, contact text not null,
    type text not null, body text not null, state text not null default 'waiting',
    tries integer not null default 0, words text not null default '', changed_at real not null,
    unique (state, number))"""
EMIT = """insert or ignore into erp_outbox (id, contact, type, body, changed_at)
    values (?, ?, ?, ?, ?)"""
WAITING = """select number, id, contact, body, tries from erp_outbox
    where state = 'waiting' order by number"""
ANSWERED = """update erp_outbox set state = :state, words = :words, tries = tries + 1,
    body = case :state when 'delivered' then '' else body end,
    changed_at = case :state when 'waiting' then changed_at else :now end where number = :number"""
PRUNE = """delete from erp_outbox where changed_at < ? and number in
    (select number from erp_outbox where state = 'delivered' order by number limit 100)"""
HEARD = """create table if not exists erp_heard (
    id text primary key, at real not null, unique (at, id))"""

Members = Dict[str, Any]
Text = Optional[str]
Time = Union[datetime, str, float, None]
# An event for a page; `changed_at`: the Unix second when it was emitted, set aside or delivered.
Entry = NamedTuple("Entry", [("id", str), ("contact", str), ("type", str), ("tries", int),
                             ("words", str), ("changed_at", float)])
# What came of a post: the event's state; `alone` if the bridge fails at this very event.
Answer = NamedTuple("Answer", [("state", str), ("words", str), ("wait_s", float), ("alone", bool)])


class Sender:
    """The outbox in the SQLite database `path`, and the thread that empties it to http://host:port.
    Threads may share it; of all processes with one outbox, one sends."""

    def __init__(self, path: str, url: str, secret: str) -> None:
        self._path, self._url, self._key = os.path.abspath(path), urlsplit(url), _key(secret)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        if self._url.scheme not in kinds or not self._url.hostname:
            raise ValueError(f"须为 http(s)://主机:端口 · an http(s) URL is wanted: {url!r}")
        kind = kinds[self._url.scheme]
        self._http = kind(self._url.hostname, self._url.port, timeout=TIMEOUT_S)
        self._thread: threading.Thread | None = None
        self._emitted, self._stopping = threading.Event(), threading.Event()
        self._paused: dict[str, float] = {}  # until when, in monotonic seconds, by contact
        self._ask(OUTBOX)

    def emit(self, type: str, data: Members, event_id: Text = None,
             connection: sqlite3.Connection | None = None) -> str:
        """Puts an event into the outbox and answers its id. Hand in the `connection` of an open
        transaction: the event goes if that is committed. Make the `event_id` of what happened
        ("message-7"): emitted again, it adds nothing."""
        event_id = event_id or f"evt_{os.urandom(16).hex()}"
        if not re.fullmatch("[!-~]{1,255}", event_id):
            raise ValueError(f"event_id 须为 1–255 个可见 ASCII 字符 · visible ASCII: {event_id!r}")
        now, contact_id = time.time(), str(data.get("contact", {}).get("id", ""))
        event = {"type": type, "timestamp": moment(now), "data": data}
        row = (event_id, contact_id, type, json.dumps(event, allow_nan=False), now)
        with nullcontext(connection) if connection else closing(_open(self._path)) as db:
            db.execute(EMIT, row)
        self._emitted.set()
        return event_id

    def start(self) -> None:
        """Starts the thread; in a server that forks, after the fork."""
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
        found = dict(self._ask("select state, count(*) from erp_outbox group by state")[0])
        return {state: found.get(state, 0) for state in ("waiting", "failed", "delivered")}

    def _entries(self, state: str, order: str, limit: int = 100) -> list[Entry]:
        query = f"select {', '.join(Entry._fields)} from erp_outbox where state = ?"
        found = self._ask(f"{query} order by {order} limit ?", state, limit)[0]
        return [Entry(*row) for row in found]

    def _change_failed(self, statement: str, id: str) -> bool:
        return self._ask(statement + " where state = 'failed' and id = ?", id)[1] == 1

    pending = partialmethod(_entries, "waiting", "number")  # the words of the first say why
    failed = partialmethod(_entries, "failed", "number")  # set aside, for retry(id) or drop(id)
    delivered = partialmethod(_entries, "delivered", "number desc")  # of the last 30 days
    # Sends it before all that waits, or forgets it for good; False if it is none that failed.
    retry = partialmethod(_change_failed, "update erp_outbox set state = 'waiting', tries = 0")
    drop = partialmethod(_change_failed, "delete from erp_outbox")

    def _ask(self, statement: str, *values: object) -> tuple[list[Any], int]:
        with closing(_open(self._path)) as db:
            cursor = db.execute(statement, values)
            return cursor.fetchall(), cursor.rowcount

    def _run(self) -> None:
        lock = sqlite3.connect(self._path + "-sender", timeout=0, isolation_level=None)
        with closing(lock), closing(_open(self._path)) as db, closing(self._http):
            while not self._stopping.is_set():
                try:
                    if not lock.in_transaction:  # who holds it sends; the system frees it at an end
                        lock.execute("begin exclusive")
                    self._stopping.wait(self._send_some(db))
                except sqlite3.OperationalError as error:  # the database is busy, or another sends
                    LOG.debug("not now: %s", error)
                    self._stopping.wait(POLL_S)
                except Exception:  # the thread must not end while events wait
                    LOG.exception("not now")
                    self._stopping.wait(PAUSE_MAX_S)

    def _send_some(self, db: sqlite3.Connection) -> float:
        """Posts the first events of contacts that are not paused; answers how many seconds the rest
        has to wait. The answers are written together: a disk is slower than a bridge."""
        begun, answers, pause_s = time.monotonic(), [], 0.0
        with closing(db.execute(WAITING)) as rows:
            due = (row for row in rows if self._paused.get(row[2], 0.0) <= begun)
            batch = list(islice(due, BATCH))
        for number, id, contact, body, tries in batch:
            if self._stopping.is_set() or pause_s or time.monotonic() - begun > POLL_S:
                break
            if self._paused.get(contact, 0.0) > begun:  # by an event just before
                continue
            state, words, wait_s, alone = self._post(id, body)
            answers.append({"number": number, "state": state, "words": words, "now": time.time()})
            wait_s = max(wait_s, min(2.0 ** min(tries, 10), PAUSE_MAX_S))
            if state != "waiting":
                self._paused.pop(contact, None)
            elif alone:
                self._paused[contact] = time.monotonic() + wait_s
            else:
                pause_s = wait_s
        if answers:
            db.execute("begin immediate")
            with db:
                db.executemany(ANSWERED, answers)
                db.execute(PRUNE, (time.time() - KEPT_S,))
        else:
            self._http.close()
            self._emitted.wait(POLL_S)  # what others emit, or commit later, is found by looking
            self._emitted.clear()
        return pause_s

    def _post(self, id: str, body: str) -> Answer:
        signed_at, sent = str(int(time.time())), body.encode()
        headers = {"content-type": "application/json", "webhook-id": id,
                   "webhook-timestamp": signed_at,
                   "webhook-signature": _signature(self._key, id, signed_at, sent)}
        try:
            if self._http.sock is None:
                self._http.connect()
            deadline = threading.Timer(POST_MAX_S, _hang_up, (self._http.sock,))
            deadline.start()
            try:
                path = self._url.path.rstrip("/") or "/webhooks/events"
                self._http.request("POST", path, sent, headers)
                response = self._http.getresponse()
                answer = judge(response.status, response.headers, response.read(ANSWER_BYTES_MAX))
            finally:
                deadline.cancel()
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: hung up on
            words = f"ERP Bridge 没有应答 · the bridge does not answer: {error!r}"
            answer = Answer("waiting", words, 0.0, False)
        if answer.state != "delivered":
            LOG.warning("%s is %s: %s", id, answer.state, answer.words)
            self._http.close()
        return answer


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it was reset, or closed just now
        connection.shutdown(socket.SHUT_RDWR)


def judge(status: int, headers: http.client.HTTPMessage, text: bytes) -> Answer:
    """What an answer means for its event. Nobody but the bridge is believed, no proxy's page."""
    said, details = {}, ""
    with suppress(ValueError, TypeError, AttributeError):
        said = dict(json.loads(text))
        for item in (it for name in ("reasons", "warnings", "errors") for it in said.get(name, ())):
            details += f"; {item.get('pointer') or item.get('rule')}: {item.get('message')}"
    if status in (200, 202) and said.get("id") and said.get("status") in TAKEN:
        return Answer("delivered", f"{said['status']}{details}", 0.0, False)
    problem, words = str(said.get("type")), f"{status} {said.get('detail')}{details}"
    if problem in [PROBLEM + name for name in NEVER]:
        return Answer("failed", words, 0.0, False)
    if not problem.startswith(PROBLEM):
        words = f"{status}：不是 ERP Bridge 的应答，请检查地址和代理 · not the bridge: look at the proxies"
    elif problem == PROBLEM + "timestamp_out_of_tolerance" and headers["date"]:
        off_s = round(time.time() - parsedate_to_datetime(headers["date"]).timestamp())
        told = f"本机时钟{'快' if off_s > 0 else '慢'} {abs(off_s)} 秒 · this clock is {off_s:+d} s off"
        words = f"{told}. {words}"
    after = str(headers["retry-after"])
    wait_s = min(float(after), RETRY_AFTER_MAX_S) if after.isdecimal() else 0.0
    return Answer("waiting", words, wait_s, problem == PROBLEM + "internal")


# What platforms have, whatever it is, as the contract wants it. Only a wrong id is refused here.
def contact(id: object, name: Text = None, *, phone: str | int | None = None,
            phone_verified: bool | int | None = None, wechat_id: Text = None, company: Text = None,
            source: Text = None, notes: Text = None, address: Text = None, email: Text = None,
            job: Text = None, khid: Text = None, ord: int | None = None) -> Members:
    """A contact by its UUID or number, never its nickname. `khid` is the K-code of a customer that
    the ERP has, `ord` its record; a K-code as the name is taken for one, a number is left out."""
    if not re.fullmatch(r"(?=.*\d)[A-Za-z0-9_-]{1,48}", str(id)):
        raise ValueError(f"联系人 id 须为 UUID 或编号，不能是昵称 · a UUID, not a nickname: {id!r}")
    code = K_CODE.fullmatch((name or "").strip())
    erp = {"khid": khid or code and code.group(), "ord": ord}
    verified = None if phone_verified is None else bool(int(phone_verified))
    return _known(id, name=best_name(name), phone=str(phone or ""), phone_verified=verified,
                  wechat_id=wechat_id, company=company, source=source, notes=notes, address=address,
                  email=email, job=job, erp={key: erp[key] for key in erp if erp[key]})


def best_name(*names: Text) -> Text:
    """The first that can be a name: no customer code such as K-0042, number or bare emoji."""
    texts = ((name or "").strip() for name in names)
    found = (it for it in texts if any(map(str.isalpha, it)) and not K_CODE.fullmatch(it))
    return next(found, None)


def thread(id: object, score: float | None = None, bucket: Text = None,
           previous_bucket: Text = None) -> Members:
    """A thread; `score` is the best of its messages (0 to 100), or 100 where a person decided."""
    return _known(id, score=None if score is None else float(score), bucket=(bucket or "").upper(),
                  previous_bucket=(previous_bucket or "").upper())


def signal(id: object, content: Text = None, *, file: Text = None, direction: Text = None,
           channel: Text = None, sent_at: Time = None) -> Members:
    """A message with its text, or the name of the file that it is; `direction` is them or me."""
    named = file and "[文件] " + re.split(r"[/\\]", file)[-1]
    said = "\n".join(part for part in ((content or "").strip(), named) if part)
    direction = {"me": "outbound", "them": "inbound"}.get(direction or "", direction)
    return _known(id, content=said, direction=direction, channel=channel, sent_at=moment(sent_at))


def deal(id: object, amount: Decimal | float | str | None = None, *, title: Text = None,
         currency: Text = None, closed_at: Time = None) -> Members:
    """An order, contract or payment, by its own id; a float or Decimal is rounded to cents."""
    text = f"{amount:.2f}" if isinstance(amount, (float, Decimal)) else f"{amount}"
    return _known(id, amount=None if amount is None else re.sub("[,，¥￥ ]", "", text),
                  title=title, currency=currency, closed_at=moment(closed_at))


def moment(at: Time) -> Text:
    """A time as RFC 3339 has it, in ZONE if it names none; a text that is no time stays."""
    if isinstance(at, (int, float)):
        at = datetime.fromtimestamp(at, ZONE)
    with suppress(ValueError):
        if isinstance(at, str):
            at = datetime.fromisoformat(at.strip().replace("Z", "+00:00"))
    if not isinstance(at, datetime):
        return at
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).isoformat()


class Refused(Exception):
    """What came is not the bridge's, or too old: answer 401."""


class Receiver:
    """Takes what the bridge tells (回写, Standard Webhooks), each message once, signed with any of
    the secrets. `handle` runs in the transaction, in the SQLite database `path`, that remembers it:
    what it does with `db` happens exactly once. If it raises, nothing is remembered: answer 5xx.

        def handle(type, data, db):  # such as "contact.linked", {"contact_id": …, "ord": …}
            db.execute("insert into customers values (?, ?)", (data["contact_id"], data["ord"]))
        receiver = Receiver("hub.db", "whsec_…")  # of [writeback]
        receiver.take(request.headers, request.body, handle)  # the raw bytes; Refused: answer 401
    """

    def __init__(self, path: str, *secrets: str) -> None:
        self._path, self._keys = os.path.abspath(path), [_key(secret) for secret in secrets]
        if not secrets:
            raise ValueError("缺少密钥 · a secret is missing")
        with closing(_open(self._path)) as db:
            db.execute(HEARD)

    def take(self, headers: Mapping[str, str], body: bytes,
             handle: Callable[[str, Any, sqlite3.Connection], None]) -> bool:
        """Hands a message to `handle` unless it was before; answers whether it was new. Raises
        Refused, or what `handle` raises."""
        row = (self.verify(headers, body), time.time())
        message = json.loads(body)
        with closing(_open(self._path)) as db:
            db.execute("begin immediate")
            db.execute("delete from erp_heard where at < ?", (row[1] - HEARD_S,))
            is_new = db.execute("insert or ignore into erp_heard values (?, ?)", row).rowcount == 1
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
        found = given.get("webhook-signature", "").encode().split()
        right = [_signature(key, message_id, signed_at, body).encode() for key in self._keys]
        if not any(hmac.compare_digest(ours, theirs) for ours in right for theirs in found):
            raise Refused("签名不符 · no signature matches")
        return message_id


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        raise ValueError("密钥须为 whsec_… · a secret must begin with whsec_")
    return base64.b64decode(secret[len("whsec_"):])


def _signature(key: bytes, id: str, signed_at: str, body: bytes) -> str:
    digest = hmac.digest(key, f"{id}.{signed_at}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def _known(id: object, **members: object) -> Members:
    if id is None or not str(id).strip():
        raise ValueError(f"缺少 id · an id is missing: {id!r}")
    known = {key: value for key, value in members.items() if value not in (None, "", {})}
    return {"id": str(id).strip(), **known}
