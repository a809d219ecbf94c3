"""The HTTP trigger: a request becomes the worker's RpcHttp, its answer an HTTP response.

Source: GrpcMessageConversionExtensions of azure-functions-host: header names in lower case, several values of a header or
query parameter joined by commas, empty ones left out, the body as bytes (the worker's capability RawHttpBodyBytes).
"""

from __future__ import annotations

from email.utils import formatdate
from http.cookies import SimpleCookie

from aiohttp import web
from multidict import MultiMapping

from local.host.invocations import Invoker
from local.host.protos import Message, RpcHttp, TypedData
from local.host.routes import Match

_SET_BY_SERVER = {"content-length", "transfer-encoding", "connection", "date"}


async def answer(request: web.Request, match: Match, invoker: Invoker) -> web.Response:
    """Run the function of a request: 500 without a body when it fails, 204 when it has no HTTP output."""
    data = RpcHttp(
        method=request.method,
        url=str(request.url),
        headers={name.lower(): value for name, value in _joined(request.headers).items()},
        query=_joined(request.query),
        params=dict(match.parameters),
        body=TypedData(bytes=await request.read()),
    )
    outcome = await invoker.run(
        match.function,
        TypedData(http=data),
        reason="This function was programmatically called via the host APIs.",
        trace_parent=request.headers.get("traceparent"),
    )
    if outcome.error is not None:
        return web.Response(status=500)
    if outcome.http is None:
        return web.Response(status=204)
    return response(outcome.http)


def response(value: TypedData) -> web.Response:
    """An HTTP response of what a function returned: an HttpResponse, a text, or JSON."""
    if value.kind == "json":
        return web.Response(text=value.value, content_type="application/json")
    if value.kind == "bytes":
        return web.Response(body=value.value, content_type="application/octet-stream")
    if value.kind != "http":
        return web.Response(text=str(value.value), content_type="text/plain")
    http = value.value
    answered = web.Response(
        status=int(http.status_code),
        body=http.body.value,
        headers={name: text for name, text in http.headers.items() if name.lower() not in _SET_BY_SERVER},
    )
    for cookie in http.cookies or []:
        answered.headers.add("Set-Cookie", _set_cookie(cookie))
    return answered


def _joined(values: MultiMapping[str]) -> dict[str, str]:
    joined = {name: ",".join(values.getall(name)) for name in dict.fromkeys(values)}
    return {name: value for name, value in joined.items() if value}


def _set_cookie(cookie: Message) -> str:
    jar = SimpleCookie({cookie.name: cookie.value})
    morsel = jar[cookie.name]
    for attribute in ("domain", "path", "secure"):
        wrapped = getattr(cookie, attribute)
        if wrapped is not None:
            morsel[attribute] = wrapped.value
    if cookie.http_only is not None:
        morsel["httponly"] = cookie.http_only.value
    if cookie.max_age is not None:
        morsel["max-age"] = int(cookie.max_age.value)
    if cookie.expires is not None:
        morsel["expires"] = formatdate(cookie.expires.value.seconds, usegmt=True)
    if cookie.same_site:
        morsel["samesite"] = cookie.same_site
    return morsel.OutputString()
