"""The decisions in the app's ledger (table `targets`, its rows are documented in `shared/ledger/rows.py`)."""

from __future__ import annotations

import json
import re
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

_GENERATED = re.compile(r"\.[0-9a-f]{8}-[0-9a-f-]{27}$")
"""What Data Explorer puts after its endpoint's name."""

COLUMNS = ("target", "private endpoint", "in tenant", "outcome", "rule: what failed", "firewall")


def rows(connection_string: str) -> list[tuple[str, ...]]:
    """One row a decision, oldest first, for a table with `COLUMNS`; what found nothing to do is left out.

    Decisions that differ in their reasons or their policy alone are one row.
    """
    made = sorted(_decisions(connection_string), key=lambda decision: str(decision["decidedAt"]))
    shown = {(d["privateEndpointId"], _row(d)): _row(d) for d in made if _tells(d)}
    return list(shown.values())


def _tells(decision: Any) -> bool:
    """Whether anything was decided, or a firewall put back."""
    return decision["outcome"] != "unchanged" or (decision["firewall"] or {}).get("outcome") == "restored"


def _decisions(connection_string: str) -> list[Any]:
    with TableClient.from_connection_string(connection_string, "targets") as table:
        try:
            return [json.loads(_text(row))["decision"] for row in table.query_entities("RowKey ge '~'")]
        except ResourceNotFoundError:
            return []


def _text(row: Any) -> str:
    """A long decision goes on in the columns value1, value2, ..."""
    return "".join(str(row[name]) for name in ("value", *(f"value{i}" for i in range(1, 30))) if name in row)


def _row(decision: Any) -> tuple[str, ...]:
    rule = decision["rule"] or ("no rule matched" if decision["outcome"] == "held" else "")
    failed = [reason["check"] for reason in decision["reasons"] if reason["rule"] == rule]
    return (
        decision["targetId"].rpartition("/")[2],
        _GENERATED.sub("", (decision["privateEndpointId"] or "").rpartition("/")[2]),
        (decision["requester"]["tenantId"] or "")[:8],
        decision["outcome"],
        ": ".join([rule, *failed]),
        (decision["firewall"] or {}).get("outcome", ""),
    )
