"""Everything that is to be said about a policy's text: errors, and of a valid one warnings. Pure."""

from __future__ import annotations

from datetime import date

from shared.policy.language.document import read
from shared.policy.language.findings import Finding, Report
from shared.policy.language.lint import warn


def check(text: bytes | str, today: date | None = None) -> list[Finding]:
    """Every error and, of a valid policy, every warning, in the order of the text.

    `today` tells which rules have expired; without it none has.
    """
    report = Report()
    document = read(text, report)
    if document:
        warn(document, report, today)
    return report.ordered()
