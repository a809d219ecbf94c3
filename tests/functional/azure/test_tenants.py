"""Which tenant a subscription belongs to: told, told that it is unknown, or not to be read now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import TransientError
from shared.requesters.tenants import ReadableTenants, TenantAnswer, Tenants
from tests.functional.azure.hostile import Reply, Server

ONE, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
TENANT, ANOTHER = "6a1c0de0-1f00-4a5e-9c1d-0a2b3c4d5e6f", "bbbbbbbb-0000-4000-8000-00000000000b"


def challenge(tenant: str) -> Reply:
    return Reply(401, {}, {"WWW-Authenticate": f'Bearer authorization_uri="https://login.windows.net/{tenant}"'})


@dataclass
class Memory:
    """What all instances share, and how often it was used."""

    rows: dict[str, tuple[str | None, datetime]] = field(default_factory=dict)
    uses: list[str] = field(default_factory=list)

    def fresh(self, subscription_ids: Iterable[str], now: datetime) -> Mapping[str, tuple[str | None, datetime]]:
        self.uses.append("read")
        return {one: self.rows[one] for one in subscription_ids if one in self.rows and self.rows[one][1] > now}

    def remember(self, found: Mapping[str, str | None], now: datetime) -> Mapping[str, tuple[str | None, datetime]]:
        self.uses.append("write")
        kept = {one: (tenant, now + timedelta(hours=24 if tenant else 1)) for one, tenant in found.items()}
        self.rows |= kept
        return kept


@dataclass
class Instance:
    """One process."""

    service: Server
    memory: Memory
    now: datetime = datetime(2026, 11, 21, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.tenants = Tenants(self.service.url, self.memory, lambda: self.now)

    def of(self, *subscriptions: str, fresh: bool = False) -> list[TenantAnswer]:
        return list(self.tenants.of(subscriptions, fresh=fresh).values())


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def instance(service: Server, memory: Memory) -> Instance:
    return Instance(service, memory)


def test_it_is_asked_without_a_token_and_remembered_by_the_process_and_by_all(
    service: Server, memory: Memory, instance: Instance
) -> None:
    service.answer = lambda _: challenge(TENANT)
    assert instance.of(ONE, OTHER) == [TenantAnswer(TENANT)] * 2
    assert [asked.token for asked in service.asked] == ["", ""]
    assert memory.uses == ["read", "write"]

    assert instance.of(ONE, OTHER) == [TenantAnswer(TENANT)] * 2
    assert memory.uses == ["read", "write"], "a warm process costs no operation"

    assert Instance(service, memory).of(ONE, OTHER) == [TenantAnswer(TENANT)] * 2
    assert memory.uses == ["read", "write", "read"]
    assert len(service.asked) == 2


def test_what_the_process_remembers_runs_out_when_what_all_remember_does(
    service: Server, memory: Memory, instance: Instance
) -> None:
    service.answer = lambda _: challenge(TENANT)
    memory.rows[ONE] = (ANOTHER, instance.now + timedelta(minutes=5))
    assert instance.of(ONE) == [TenantAnswer(ANOTHER)]
    instance.now += timedelta(minutes=5)
    assert instance.of(ONE) == [TenantAnswer(TENANT)]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_arm_that_does_not_answer_the_question_says_nothing_and_is_not_remembered(
    status: int, service: Server, memory: Memory, instance: Instance
) -> None:
    service.answer = lambda asked: challenge(TENANT) if ONE in asked.path else Reply(status, {}, {"Retry-After": "40"})
    known, unread = instance.of(ONE, OTHER)
    assert known == TenantAnswer(TENANT)
    assert unread.unreadable is not None
    assert (unread.tenant, unread.retry_after) == (None, 40)
    assert set(memory.rows) == {ONE}
    with pytest.raises(TransientError) as raised:
        ReadableTenants(instance.tenants).of([ONE, OTHER])
    assert raised.value.retry_after == 40

    service.answer = lambda _: challenge(TENANT)
    assert ReadableTenants(instance.tenants).of([ONE, OTHER]) == {ONE: TENANT, OTHER: TENANT}


def test_an_arm_that_cannot_be_reached_says_nothing(memory: Memory) -> None:
    (unread,) = Instance(Server("https://127.0.0.1:9"), memory).of(ONE)
    assert unread.unreadable is not None
    assert memory.rows == {}


def test_a_redirect_says_nothing(service: Server, elsewhere: Server, memory: Memory, instance: Instance) -> None:
    elsewhere.answer = lambda _: challenge(TENANT)
    service.answer = lambda _: Reply(302, {}, {"Location": f"{elsewhere.url}/subscriptions/{ONE}"})
    (unread,) = instance.of(ONE)
    assert unread.unreadable is not None
    assert (elsewhere.asked, memory.rows) == ([], {})


@pytest.mark.parametrize(
    "reply", [challenge("common"), Reply(401, {}), Reply(404, {}), Reply(403, {}), Reply(200, {})], ids=str
)
def test_an_answer_that_names_no_tenant_makes_it_unknown(reply: Reply, service: Server, instance: Instance) -> None:
    service.answer = lambda _: reply
    assert instance.of(ONE) == [TenantAnswer(None)]
    assert instance.of(ONE) == [TenantAnswer(None)]
    assert len(service.asked) == 1


def test_before_an_approval_arm_is_asked_anew_whatever_is_remembered(
    service: Server, memory: Memory, instance: Instance
) -> None:
    forged = (TENANT, instance.now + timedelta(hours=1))
    memory.rows[ONE] = forged
    service.answer = lambda _: challenge(ANOTHER)
    assert instance.of(ONE) == [TenantAnswer(TENANT)]

    assert instance.of(ONE, fresh=True) == [TenantAnswer(ANOTHER)]
    assert len(service.asked) == 1
    assert instance.of(ONE) == [TenantAnswer(ANOTHER)], "what is known now is remembered"


def test_without_a_memory_every_subscription_is_asked_about_anew(service: Server) -> None:
    service.answer = lambda _: challenge(TENANT)
    tenants = Tenants(service.url, None, lambda: datetime(2026, 11, 21, tzinfo=UTC))
    for _ in range(2):
        assert tenants.of([ONE, ONE]) == {ONE: TenantAnswer(TENANT)}
    assert len(service.asked) == 2
