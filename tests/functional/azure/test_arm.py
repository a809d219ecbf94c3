"""ARM turned hostile, or a proxy in its place: nothing leads the app's token elsewhere, nothing that is no answer counts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from shared.azure.arm import MOST_ITEMS, Arm
from shared.errors import PermanentError, TransientError
from tests.functional.azure.hostile import ARM_SCOPE, Asked, Identity, Reply, Server


@pytest.fixture
def arm(service: Server, identity: Identity) -> Arm:
    return Arm(service.url, "https://management.azure.com", identity)


def test_a_list_goes_on_where_its_next_link_says(service: Server, arm: Arm) -> None:
    last = {"value": [{"id": "2"}], "nextLink": ""}
    first = {"value": [{"id": "1"}], "nextLink": f"{service.url}/second"}
    service.answer = lambda asked: Reply(body=last if asked.path == "/second" else first)
    listed = arm.pages("/list", "v")
    assert ([item["id"] for item in listed], listed.pages) == (["1", "2"], 2)


def foreign(service: Server, elsewhere: Server) -> list[str]:
    """URLs that lead away from the service, or that some parser may read so."""
    there = elsewhere.url.removeprefix("https://")
    here = service.url.removeprefix("https://")
    return [
        f"{elsewhere.url}/next",
        f"https://{here}@{there}/next",
        f"https://{there}\\@{here}/next",
        f"https://{here}\\@{there}/next",
        f"http://{here}/next",
        f"https://{there}#@{here}/next",
        f"//{there}/next",
        "https://127.0.0.1:1/next",
        f"https://{here}x/next",
    ]


@pytest.mark.parametrize("which", range(9))
def test_a_next_link_to_another_host_is_not_followed(which: int, service: Server, elsewhere: Server, arm: Arm) -> None:
    link = foreign(service, elsewhere)[which]
    service.answer = lambda _: Reply(body={"value": [], "nextLink": link})
    with pytest.raises(PermanentError) as raised:
        arm.pages("/list", "v")
    assert raised.value.code == "ForeignUrl"
    assert (len(service.asked), elsewhere.asked) == (1, [])


@pytest.mark.parametrize("which", range(9))
def test_an_operations_url_on_another_host_is_not_asked(
    which: int, service: Server, elsewhere: Server, arm: Arm
) -> None:
    with pytest.raises(PermanentError):
        arm.send_url(foreign(service, elsewhere)[which])
    assert service.asked + elsewhere.asked == []


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_redirect_is_neither_followed_nor_an_answer(
    status: int, method: str, service: Server, elsewhere: Server, arm: Arm
) -> None:
    service.answer = lambda _: Reply(status, {"value": []}, {"Location": f"{elsewhere.url}/x"})
    with pytest.raises(PermanentError):
        arm.send(method, "/list", "v", None if method == "GET" else {})
    assert (len(service.asked), elsewhere.asked) == (1, [])


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer authorization_uri="https://login.windows.net/t", resource_id="https://vault.azure.net"',
        'Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net"',
        'Bearer authorization_uri="https://evil.test/t", error="insufficient_claims", claims="eyJhIjoxfQ=="',
    ],
)
def test_a_challenge_gets_no_token_for_another_resource(
    challenge: str, service: Server, identity: Identity, arm: Arm
) -> None:
    service.answer = lambda _: Reply(401, {}, {"WWW-Authenticate": challenge})
    with pytest.raises(PermanentError):
        arm.get("/x", "v")
    assert set(identity.scopes) == {ARM_SCOPE}
    assert {asked.token for asked in service.asked} == {f"token-for-{ARM_SCOPE}"}


@pytest.mark.parametrize("reply", [Reply(204), Reply(200), Reply(200, b"<html>"), Reply(200, "text"), Reply(200, 7)])
def test_what_is_no_list_is_no_empty_one(reply: Reply, service: Server, arm: Arm) -> None:
    service.answer = lambda _: reply
    with pytest.raises(TransientError):
        arm.pages("/list", "v")


@pytest.mark.parametrize("reply", [Reply(200)])
def test_an_empty_answer_does_not_say_that_a_resource_is_gone(reply: Reply, service: Server, arm: Arm) -> None:
    service.answer = lambda _: reply
    with pytest.raises(TransientError):
        arm.get("/resource", "v")


def test_a_list_whose_pages_lead_to_themselves_ends_in_an_error(service: Server, arm: Arm) -> None:
    count = itertools.count()

    def more(_: Asked) -> Reply:
        return Reply(body={"value": [{}] * 100, "nextLink": f"{service.url}/{next(count)}"})

    service.answer = more
    with pytest.raises(PermanentError, match="does not end"):
        arm.pages("/list", "v")
    assert len(service.asked) == MOST_ITEMS // 100 + 1


def test_an_identity_that_is_out_is_no_refusal_of_arms(service: Server) -> None:
    from azure.identity import CredentialUnavailableError

    class Out:
        def get_token(self, *_: str, **__: Any) -> Any:
            raise CredentialUnavailableError("no managed identity endpoint")

    with pytest.raises(TransientError, match="no token"):
        Arm(service.url, "https://management.azure.com", Out()).get("/x", "v")
    assert service.asked == []
