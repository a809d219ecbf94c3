"""A sample app for the local host's tests: one function of each kind, whose behaviour is chosen by its input."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import List  # noqa: UP035 - people write func.Out[List[str]]

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
log = logging.getLogger("sample")
running = 0


@app.route(route="echo/{word}/{number:int?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    log.info("echo %s", req.route_params["word"])
    seen = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Test"),
        "body": req.get_body().decode(),
    }
    headers = {"X-Answer": "42", "Set-Cookie": "a=b; Path=/; HttpOnly; Max-Age=60; SameSite=Strict"}
    return func.HttpResponse(json.dumps(seen), status_code=201, mimetype="application/json", headers=headers)


@app.route(route="text", auth_level=func.AuthLevel.ANONYMOUS, methods=["GET", "HEAD"])
def text(req: func.HttpRequest) -> str:
    return f"{req.method} says hello"


@app.route(route="fail", auth_level=func.AuthLevel.ANONYMOUS)
async def fail(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError(f"asked to fail by {req.method}")


@app.route(route="slow/{seconds}", auth_level=func.AuthLevel.ADMIN)
async def slow(req: func.HttpRequest) -> str:
    log.info("slow begins")
    await asyncio.sleep(float(req.route_params["seconds"]))
    return "done"


@app.route(route="block/{seconds}", auth_level=func.AuthLevel.ANONYMOUS)
async def block(req: func.HttpRequest) -> str:
    log.info("block begins")
    time.sleep(float(req.route_params["seconds"]))
    return "done"


@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="out", queue_name="events", connection="AzureWebJobsStorage")
async def on_event(event: func.EventGridEvent, out: func.Out[str]) -> None:
    data = event.get_json()
    if data.get("fail"):
        raise ValueError("asked to fail")
    out.set(json.dumps({"id": event.id, "subject": event.subject, "data": data}))


@app.event_grid_trigger(arg_name="event")
def on_cloud_event(event: func.CloudEvent) -> None:
    log.info("cloud event %s %s %s", event.id, event.source, event.get_json())


@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="out", queue_name="done", connection="AzureWebJobsStorage")
def work(message: func.QueueMessage, out: func.Out[List[str]]) -> None:  # noqa: UP006
    body = json.loads(message.get_body())
    log.info("work %s try %s", body["name"], message.dequeue_count)
    if body.get("fail"):
        raise ValueError("asked to fail")
    time.sleep(body.get("seconds", 0))
    inserted, expires = message.insertion_time, message.expiration_time
    assert inserted is not None
    assert expires is not None
    out.set([json.dumps({"id": message.id, "inserted": inserted.isoformat(), "lives": str(expires - inserted)}), "two"])


@app.queue_trigger(arg_name="message", queue_name="work-poison", connection="AzureWebJobsStorage")
def failed_work(message: func.QueueMessage) -> None:
    log.warning("poison %s", message.get_body().decode())


@app.queue_trigger(arg_name="message", queue_name="many", connection="AzureWebJobsStorage")
async def many(message: func.QueueMessage) -> None:
    global running
    running += 1
    log.info("many %s running %d", message.get_body().decode(), running)
    await asyncio.sleep(0.1)
    running -= 1


@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%")
async def tick(timer: func.TimerRequest) -> None:
    log.info("tick past_due=%s", timer.past_due)


@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%", run_on_startup=True, use_monitor=False)
def wake(timer: func.TimerRequest) -> None:
    log.info("wake status=%s", getattr(timer, "schedule_status", None))


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE_WITHOUT_VALUE%")
async def never(timer: func.TimerRequest) -> None:
    raise AssertionError(f"it has no schedule: {timer.past_due}")


@app.blob_trigger(arg_name="blob", path="in/{name}", connection="AzureWebJobsStorage")
def on_blob(blob: func.InputStream) -> None:
    raise AssertionError(f"the local host has no blob trigger: {blob.name}")
