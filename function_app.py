"""The triggers of Private Endpoint Approver: each parses, calls a use case of `shared`, and shapes the answer."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from functools import cache

import azure.functions as func

from shared.app import App, build
from shared.settings import InvalidSettingsError, sweep_schedule
from shared.triggers.events import LONGEST_EVENT_ID, MalformedEventError, shown, target_of
from shared.triggers.http import Answer, Call, call_of, failure
from shared.triggers.messages import POISON_QUEUE, QUEUE, ReviewMessage, parse_message

STORAGE = "AzureWebJobsStorage"

log = logging.getLogger(__name__)
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@cache
def approver() -> App:
    """The app, wired at its first use: indexing the functions needs no settings."""
    return build()


@app.function_name("on_resource_event")
@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="review", queue_name=QUEUE, connection=STORAGE)
def on_resource_event(event: func.EventGridEvent, review: func.Out[str]) -> None:
    """Turn an event into a review request; everything that is not about a supported target is ignored."""
    kind = getattr(event, "event_type", None) or getattr(event, "type", None)  # a CloudEvent has `type`
    try:
        target = target_of(kind, event.subject, event.get_json())
    except (MalformedEventError, ValueError) as error:
        log.warning("event %s of type %s dropped: %s", shown(event.id), shown(kind), error)
        return
    if target is not None:
        log.info("event %s: review of %s", shown(event.id), target)
        review.set(ReviewMessage(target, "event", event_id=str(event.id)[:LONGEST_EVENT_ID]).to_text())


@app.function_name("review_target")
@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection=STORAGE)
def review_target(message: func.QueueMessage) -> None:
    """Review the target that a message names."""
    approver().message_handler.handle(parse_message(message.get_body()), message.insertion_time)


@app.function_name("review_failed")
@app.queue_trigger(arg_name="message", queue_name=POISON_QUEUE, connection=STORAGE)
def review_failed(message: func.QueueMessage) -> None:
    """Raise an alert for a message that failed again and again."""
    approver().message_handler.failed(message.get_body(), message.id or "")


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule=sweep_schedule(os.environ), use_monitor=True)
def sweep(timer: func.TimerRequest) -> None:
    """Find what no event told of."""
    if timer.past_due:
        log.info("the sweep is late")
    approver().sweep.run()


@app.function_name("reevaluate")
@app.route("reevaluate", methods=["POST"])
def reevaluate(req: func.HttpRequest) -> func.HttpResponse:
    """Re-evaluate a target, a connection, or a wider scope."""
    return _response(req, lambda app, call: app.reevaluation.answer(call))


@app.function_name("run_status")
@app.route("runs/{runId}", methods=["GET"])
def run_status(req: func.HttpRequest) -> func.HttpResponse:
    """Show what came of a wide re-evaluation."""
    return _response(req, lambda app, _: app.reevaluation.run_status(req.route_params["runId"]))


@app.function_name("firewall_restore")
@app.route("firewall/restore", methods=["POST"])
def firewall_restore(req: func.HttpRequest) -> func.HttpResponse:
    """Put a target's firewall back to what it was before the app tightened it."""
    return _response(req, lambda app, call: app.restoration.answer(call))


def _response(req: func.HttpRequest, use_case: Callable[[App, Call], Answer]) -> func.HttpResponse:
    """What a use case answers a request; where the settings let nothing start, 503 with what is wrong with them."""
    try:
        app = approver()
    except InvalidSettingsError as error:
        log.error("the app cannot start: %s", error)  # noqa: TRY400 - the sentence says it all
        answer = failure(503, "SettingsInvalid", f"the app's settings are not usable: {error}")
    else:
        call = call_of(req.get_body(), req.headers, authenticated=app.settings.authentication)
        answer = use_case(app, call)
    body = json.dumps(answer.body)
    return func.HttpResponse(body, status_code=answer.status, headers=dict(answer.headers), mimetype="application/json")
