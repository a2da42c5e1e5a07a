"""The evening's work: a route that checks the signature and puts the event into SQLite, and commits before it answers."""

import json
import os
import sqlite3
import threading

from flask import Flask, request

from signature import is_valid

app = Flask(__name__)
of_thread = threading.local()


def ledger() -> sqlite3.Connection:
    """This thread's connection. The write-ahead log with synchronous = FULL flushes it at every commit
    (https://www.sqlite.org/pragma.html#pragma_synchronous), as the bridge's own ledger does."""
    if not hasattr(of_thread, "connection"):
        connection = sqlite3.connect(os.environ["LEDGER"], timeout=60, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("create table if not exists events (id text primary key, kind text, contact text, body text)")
        of_thread.connection = connection
    return of_thread.connection


@app.post("/webhooks/events")
def accept() -> tuple[str, int]:
    body = request.get_data()
    if not is_valid(request.headers, body):
        return "", 401
    event = json.loads(body)
    row = (request.headers["webhook-id"], event["type"], event["data"]["contact"]["id"], body.decode())
    # Outside a transaction of its own a statement is one, committed when it returns.
    is_new = ledger().execute("insert or ignore into events values (?, ?, ?, ?)", row).rowcount == 1
    return "", 202 if is_new else 200
