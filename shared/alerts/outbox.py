"""Delivering what records hold in their outboxes, at least once: the log, the feed, the topic.

A receiver may get an entry twice, for it leaves its outbox only after it was delivered. One that the topic refuses for
good is parked and holds up no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from shared.alerts.topic import Topic
from shared.errors import ApproverError, PermanentError
from shared.ledger.feed import Feed
from shared.ledger.record import Delivery, OutboxEntry, Record
from shared.ledger.records import Records
from shared.ledger.tables import RowChangedError

log = logging.getLogger(__name__)


class Parking(Protocol):
    """Where entries go that nobody takes."""

    def park(self, subject: str, entry_id: str, body: Mapping[str, Any], why: str) -> None:
        """Keep an entry for people to look at."""
        ...


class Outbox:
    """Delivers."""

    def __init__(
        self, records: Records, feed: Feed, topic: Topic, parking: Parking, now: Callable[[], datetime]
    ) -> None:
        self._records = records
        self._feed = feed
        self._topic = topic
        self._parking = parking
        self._now = now

    def deliver(self, record: Record) -> Record:
        """Deliver what a record holds; answers the record without it. What fails stays, for the sweep to come back to.

        Of a record that is not authentic nothing is told: it may never have been said, or long ago.
        """
        if not record.outbox or record.forged:
            return record
        entries = sorted(record.outbox.values(), key=lambda entry: (entry.at, entry.key))
        try:
            self._feed.publish(e for e in entries if e.kind is not Delivery.NOTICE)
            done = {entry.key for entry in entries if entry.kind is Delivery.DECISION}
            done |= self._publish([entry for entry in entries if entry.kind is not Delivery.DECISION], record.subject)
            for entry in entries:
                if entry.kind is Delivery.DECISION:
                    _log_decision(entry.body)
            left = {key: entry for key, entry in record.outbox.items() if key not in done}
            return self._records.commit(record, replace(record, outbox=left))
        except RowChangedError as error:  # whoever was faster delivers what is left
            log.info("outbox of %s: %s", record.subject, error)
        except ApproverError as error:
            log.warning("the outbox of %s waits: %s", record.subject, error)
        return record

    def _publish(self, entries: list[OutboxEntry], subject: str) -> set[str]:
        """Send alerts and notices to the topic; answers the keys of those that are done with."""
        done = set()
        for entry in entries:
            data = entry.body["data"]
            log.warning(
                "alert %s (%s): %s [%s]", entry.body["type"], data["severity"], data["title"], entry.body["subject"],
                extra={"alert": entry.id, "target": subject},
            )  # fmt: skip
            try:
                self._topic.publish(dict(entry.body))
            except PermanentError as error:
                log.exception("alert %s is refused by the topic for good, and parked", entry.id)
                self._parking.park(subject, entry.id, entry.body, str(error))
            except ApproverError as error:
                log.warning("alerts stay in the outbox of %s: %s", subject, error)
                break
            done.add(entry.key)
        return done


def _log_decision(decision: Mapping[str, Any]) -> None:
    """One line a decision, with its ids as fields."""
    log.info(
        "decision %s: %s by rule %s, applied %s: %s",
        decision["decisionId"], decision["outcome"], decision["rule"], decision["applied"],
        decision["connectionId"] or decision["targetId"],
        extra={"decision": decision["decisionId"], "target": decision["targetId"], "run": decision["runId"],
               "rule": decision["rule"], "outcome": decision["outcome"]},
    )  # fmt: skip
