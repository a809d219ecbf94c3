"""A sample app for the local host's tests: one function of each kind, whose behaviour is chosen by its input."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import List  # noqa: UP035 - the worker knows func.Out[List[str]] in this spelling

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="echo/{word}/{number:int?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("echo says hello")
    seen = {
        "method": req.method,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Test"),
        "body": req.get_body().decode(),
    }
    headers = {"X-Answer": "42", "Set-Cookie": "a=b; Path=/; HttpOnly; Max-Age=60"}
    return func.HttpResponse(json.dumps(seen), status_code=201, mimetype="application/json", headers=headers)


@app.route(route="fail", auth_level=func.AuthLevel.ANONYMOUS)
async def fail(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("asked to fail")


@app.route(route="slow/{seconds}", auth_level=func.AuthLevel.ADMIN)
async def slow(req: func.HttpRequest) -> str:
    await asyncio.sleep(float(req.route_params["seconds"]))
    return "done"


@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="out", queue_name="events", connection="AzureWebJobsStorage")
async def on_event(event: func.EventGridEvent, out: func.Out[str]) -> None:
    data = event.get_json()
    if data.get("fail"):
        raise ValueError("asked to fail")
    out.set(json.dumps({"id": event.id, "subject": event.subject, "data": data}))


@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="out", queue_name="done", connection="AzureWebJobsStorage")
def work(message: func.QueueMessage, out: func.Out[List[str]]) -> None:
    body = json.loads(message.get_body())
    logging.info("work %s try %s", body["name"], message.dequeue_count)
    if body.get("fail"):
        raise ValueError("asked to fail")
    time.sleep(body.get("seconds", 0))
    inserted = message.insertion_time
    seen = {"id": message.id, "tries": message.dequeue_count, "inserted": inserted.isoformat() if inserted else None}
    out.set([json.dumps({**body, **seen}), body["name"]])


@app.queue_trigger(arg_name="message", queue_name="work-poison", connection="AzureWebJobsStorage")
def failed_work(message: func.QueueMessage) -> None:
    logging.warning("poison %s", message.get_body().decode())


@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%")
async def tick(timer: func.TimerRequest) -> None:
    logging.info("tick past_due=%s", timer.past_due)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE_WITHOUT_VALUE%")
async def never(timer: func.TimerRequest) -> None:
    raise AssertionError("it has no schedule")
