"""Durable workflows on PostgreSQL: a route that checks the signature and enqueues a workflow of the event, which DBOS commits
before it returns (https://docs.dbos.dev/python/reference/client). The workers that would run it stand elsewhere, as the
bridge's own rest in this measurement."""

import json
import os

from dbos import DBOSClient
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from signature import is_valid

app = FastAPI()
# As many connections as the DBOS library itself opens by default (its system_database_pool_size).
client = DBOSClient(system_database_url=os.environ["LEDGER"], system_database_pool_size=20)


@app.post("/webhooks/events")
async def accept(request: Request) -> Response:
    body = await request.body()
    if not is_valid(request.headers, body):
        return Response(status_code=401)
    workflow = {"workflow_name": "deliver", "queue_name": "events", "workflow_id": request.headers["webhook-id"]}
    await run_in_threadpool(client.enqueue, workflow, json.loads(body))
    return Response(status_code=202)
