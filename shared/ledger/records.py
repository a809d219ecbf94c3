"""Reading records, and committing changes to them: one transaction, which fails if anybody else was there meanwhile.

Every transaction begins with the head row and its ETag. Where a change takes more than one (a target with hundreds of
connections), the guard moves along: each transaction needs the head as the one before left it. Rows are written in an
order in which the record makes sense wherever a crash cuts it off: outbox and spent endpoints before what rests on
them, deletions last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from shared.errors import ForgedError
from shared.ledger.record import HistoryEntry, Link, Record
from shared.ledger.rows import HEAD, HISTORY, MALFORMED, head_of, history_of, history_row, record_of, rows_of
from shared.ledger.sealing import Sealing, digest_of, members_of
from shared.ledger.tables import Row, Write, partition, parts
from shared.ledger.work import WorkIndex
from shared.resource_id import ResourceId, fold

MEMBERS = "members"
"""The column of the head row that holds one hash over all other rows of the record."""


_LIVE = "PartitionKey eq @subject and RowKey lt @history"


class Rows(Protocol):
    """The part of `tables.Table` that records need."""

    def read(self, text: str, forged: list[str], **parameters: object) -> list[Row]:
        """See `Table.read`."""
        ...

    def get(self, partition_key: str, row_key: str) -> Row | None:
        """See `Table.get`."""
        ...

    def transact(self, writes: list[Write]) -> str:
        """See `Table.transact`."""
        ...


class Records:
    """The table `targets`, one partition a record, and the index of unfinished work beside it."""

    def __init__(self, table: Rows, work: WorkIndex, sealing: Sealing | None = None) -> None:
        self._table = table
        self._work = work
        self._sealing = sealing or Sealing()

    def load(self, subject: ResourceId | str) -> Record:
        """The record of a target, or of another subject; an empty one where nothing is remembered. One query.

        Where rows are sealed, a row that is not authentic, that was taken away, or that was put back as it once was, is
        named in `Record.forged`: nothing rests on such a record.
        """
        forged: list[str] = []
        found = self._table.read(_LIVE, forged, subject=_partition(subject), history=HISTORY)
        digests = {str(row["RowKey"]): digest_of(row) for row in found if row["RowKey"] != HEAD}
        if self._sealing.authenticates and not forged and found:
            head = next((row for row in found if row["RowKey"] == HEAD), None)
            if head is None or head.get(MEMBERS) != members_of(digests):
                forged.append("rows that are missing, or that are older than the others")
        record = record_of(str(subject), found, self._sealing)
        return replace(record, forged=tuple(forged), digests=digests)

    def commit(self, before: Record, after: Record, history: Iterable[HistoryEntry] = ()) -> Record:
        """Write what changed, and nothing where nothing did; answers the record as it is now.

        Args:
            before: the record as it was read, or as the last commit answered it.
            after: the record as it shall be.
            history: decisions to write beside it.

        Raises:
            ForgedError: the record as it was read is not authentic: the new head would vouch for what was done to it.
            RowChangedError: somebody else has changed the record meanwhile. Of a change that takes more than one
                transaction a beginning may have been written.
            ApproverError: the storage cannot be reached, or refuses.
        """
        if before.forged:
            raise ForgedError(
                f"the record of {before.subject} is not authentic: nothing is written", code="LedgerForged"
            )
        writes = self._writes(before, after, history)
        if not writes and after == before:
            return before
        work = before.work if before.unfinished else ""
        if after.unfinished and not work:
            work = self._work.note(after.subject)
        after = replace(after, work=work if after.unfinished else "")
        bound = _bound(after)
        if bound and bound != _bound(before):
            self._work.note_bound(after.subject, bound)
        for one in after.spent.values():
            if one.tenant_id is not None and one.endpoint_id not in before.spent:
                self._work.show_tenant(one.resource, one.tenant_id)
        etag, version, digests = before.etag, before.version, dict(before.digests)
        groups = list(parts(writes, reserved=1)) or [[]]
        for number, group in enumerate(groups, 1):
            version += 1
            for write in group:
                _note_digest(digests, write)
            head = after if number == len(groups) else before
            row = head_of(replace(head, version=version, work=after.work)) | {MEMBERS: members_of(digests)}
            etag = self._table.transact([Write("put", row, etag), *group])
        after = replace(after, etag=etag, version=version, digests=digests)
        if work and not after.unfinished:
            self._work.done(after.subject, work)
        if not bound and _bound(before):
            self._work.done_bound(after.subject)
        return after

    def unfinished(self) -> Iterator[Record]:
        """Every record that somebody must come back to, or that is not authentic. A row of the index too many goes."""
        for noted in self._work.unfinished():
            record = self.load(noted.subject)
            if record.unfinished or record.forged:
                yield record
            elif self._work.is_old(noted):
                self._work.done(noted.subject, noted.etag)

    def forget(self, record: Record) -> None:
        """Forget a record whose target is gone for good; its history stays for its retention.

        So does a head with the place of its last decision: another target of that id goes on with the chain.

        Raises:
            RowChangedError: somebody else has changed it meanwhile.
        """
        bare = replace(Record(record.subject), etag=record.etag, version=record.version, tip=record.tip)
        gone = self.commit(record, bare)
        if gone.etag and not gone.tip.number:
            self._table.transact([Write("delete", _key(record.subject, HEAD), gone.etag)])

    def lying_there(self, subject: ResourceId | str) -> list[str]:
        """The keys of the rows that lie where a record is, authentic or not; without its history."""
        forged: list[str] = []
        found = self._table.read(_LIVE, forged, subject=_partition(subject), history=HISTORY)
        return sorted({str(row["RowKey"]) for row in found} | set(forged))

    def begin_anew(self, subject: ResourceId | str) -> Record:
        """Delete what lies where a record is, whatever it is, and begin one of which nothing is remembered.

        Its history stays, and the chain goes on behind the newest decision that is authentic.

        Raises:
            RowChangedError: somebody else has changed it meanwhile.
        """
        gone = [Write("delete", _key(str(subject), key)) for key in self.lying_there(subject)]
        for part in parts(gone):
            self._table.transact(part)
        record = Record(str(subject), tip=self._newest_link(subject))
        return self.commit(Record(str(subject)), record) if record.tip.number else record

    def _newest_link(self, subject: ResourceId | str) -> Link:
        links, text = [Link()], "PartitionKey eq @subject and RowKey ge @history"
        for row in self._table.read(text, [], subject=_partition(subject), history=HISTORY):
            try:
                links.append(history_of(row).link)
            except MALFORMED:
                continue  # `verify` names it
        return max(links, key=lambda link: link.number)

    def _writes(self, before: Record, after: Record, history: Iterable[HistoryEntry]) -> list[Write]:
        was, now = rows_of(before), rows_of(after)
        changed = [key for key, row in now.items() if was.get(key) != row]
        kept = rows_of(after, self._sealing) if changed else {}
        puts = [Write("put", history_row(after.subject, entry)) for entry in history]
        puts += [Write("put", kept[key]) for key in changed]
        return puts + [Write("delete", _key(before.subject, key)) for key in was if key not in now]


def _note_digest(digests: dict[str, str], write: Write) -> None:
    key = str(write.row["RowKey"])
    if key >= HISTORY:
        return  # the chain holds the history together
    if write.kind == "delete":
        digests.pop(key, None)
    else:
        digests[key] = digest_of(write.row)


def _bound(record: Record) -> frozenset[tuple[str, str]]:
    """The endpoints (resource, endpoint) that approvals are spent on and that are not known to be gone."""
    return frozenset((one.resource, one.endpoint_id) for one in record.spent.values() if not one.absent_since)


def _partition(subject: ResourceId | str) -> str:
    return partition(fold(str(subject)))


def _key(subject: str, key: str) -> Row:
    return {"PartitionKey": _partition(subject), "RowKey": key}
