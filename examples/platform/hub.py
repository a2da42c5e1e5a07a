"""A small customer hub (微信中台) of the usual shape: contacts, threads and signals in SQLite, and the four places where it
tells ERP Bridge what happened. Whatever it stores and what it tells about it are one transaction: both or neither.

    hub = Hub("hub.db", "http://127.0.0.1:8080", "whsec_…")
    hub.sender.start()
"""

from __future__ import annotations

import sqlite3
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "clients" / "python"))  # in a platform, the file is copied beside this one
from erp_bridge_sender import Sender, best_name, contact, deal, signal, thread  # noqa: E402

SCHEMA = """
create table if not exists contacts (
    id text primary key,                        -- a UUID
    nickname text, remark text, wechat_id text,
    name text, phone text, company text,        -- what a person typed when promoting (建档)
    phone_verified integer not null default 0,
    k_code text                                 -- the ERP's 客户编号, where somebody knows it
);
create table if not exists threads (
    id integer primary key, contact_id text not null references contacts, bucket text not null default 'GRAY'
);
create table if not exists signals (
    id integer primary key, thread_id integer not null references threads,
    text text, file text, side text not null,   -- me or them
    score real,                                 -- of this one message, 0 to 100
    sent_at text not null                       -- without a zone, as the machine's clock shows it
);
create table if not exists orders (
    id text primary key, contact_id text not null references contacts, title text, amount real, closed_at text not null
);
"""


class Hub:
    """The hub in the SQLite database `path`, with the outbox of its sender in the same one."""

    def __init__(self, path: str, url: str, secret: str) -> None:
        self.sender = Sender(path, url, secret)
        self._db = sqlite3.connect(path, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)

    def add_contact(self, nickname: str, wechat_id: str, contact_id: str | None = None) -> str:
        """Somebody new wrote to us: a contact with its thread. Nothing to tell the ERP yet."""
        contact_id = contact_id or str(uuid.uuid4())
        with self._db as db:
            db.execute("insert into contacts (id, nickname, wechat_id) values (?, ?, ?)", (contact_id, nickname, wechat_id))
            db.execute("insert into threads (contact_id) values (?)", (contact_id,))
        return contact_id

    def store_message(self, contact_id: str, text: str | None, side: str, sent_at: str, *, score: float | None = None,
                      file: str | None = None) -> int:
        """After a message was stored: `message.logged`. Before the promotion the bridge keeps it; later it follows."""
        with self._db as db:
            row = self._one("select id from threads where contact_id = ?", contact_id)
            values = (row["id"], text, file, side, score, sent_at)
            added = db.execute("insert into signals (thread_id, text, file, side, score, sent_at) values (?, ?, ?, ?, ?, ?)",
                               values)
            number = int(added.lastrowid or 0)
            if text or file:
                said = signal(number, text, file=file, direction=side, sent_at=sent_at)
                data = {"contact": contact(contact_id), "signal": said}
                self.sender.emit("message.logged", data, event_id=f"message-{number}", connection=db)
        return number

    def promote(self, contact_id: str, name: str, phone: str, *, company: str | None = None,
                k_code: str | None = None) -> None:
        """Where a person promotes a contact (建档) and has checked its number: `contact.promoted`."""
        with self._db as db:
            db.execute("update contacts set name = ?, phone = ?, phone_verified = 1, company = ?, k_code = ? where id = ?",
                       (name, phone, company, k_code, contact_id))
            db.execute("update threads set bucket = 'WHITE' where contact_id = ?", (contact_id,))
            data = {"contact": self._contact(contact_id), "thread": self._thread(contact_id, decided=True)}
            # Without an id of ours: promoted again with a corrected number, it is another event.
            self.sender.emit("contact.promoted", data, connection=db)

    def record_order(self, contact_id: str, order_id: str, title: str, amount: float, closed_at: str) -> None:
        """Where an order, a contract or a payment is recorded: `deal.closed`."""
        with self._db as db:
            db.execute("insert into orders values (?, ?, ?, ?, ?)", (order_id, contact_id, title, amount, closed_at))
            data = {"contact": self._contact(contact_id), "thread": self._thread(contact_id),
                    "deal": deal(order_id, amount, title=title, closed_at=closed_at)}
            self.sender.emit("deal.closed", data, event_id=f"order-{order_id}", connection=db)

    def request_sync(self, contact_id: str, by: str) -> None:
        """Behind a button (手动同步): `sync.requested`, every press an event of its own."""
        data = {"contact": self._contact(contact_id), "thread": self._thread(contact_id), "requested_by": by}
        self.sender.emit("sync.requested", data)

    def _contact(self, contact_id: str) -> dict[str, Any]:
        row = self._one("select * from contacts where id = ?", contact_id)
        return contact(row["id"], best_name(row["name"], row["remark"], row["nickname"]), phone=row["phone"],
                       phone_verified=row["phone_verified"], wechat_id=row["wechat_id"], company=row["company"],
                       khid=row["k_code"])

    def _thread(self, contact_id: str, decided: bool = False) -> dict[str, Any]:
        """Its score is the best of its messages and not the last one's, a 好的; or 100 once a person has decided."""
        row = self._one("select threads.id, bucket, max(score) as best from threads left join signals on thread_id = threads.id "
                        "where contact_id = ? group by threads.id", contact_id)
        return thread(row["id"], 100 if decided or row["bucket"] == "WHITE" else row["best"], row["bucket"],
                      "GRAY" if decided else None)

    def _one(self, query: str, contact_id: str) -> Any:
        return self._db.execute(query, (contact_id,)).fetchone()
