"""Policy test cases: read, run, told as a table or as JUnit's XML. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET  # nosec B405  # written, never read

from shared.commands.requests import REQUEST, Request, check_request
from shared.commands.terminal import coloured, plain, table
from shared.model.check import Check
from shared.model.decision import Outcome
from shared.policy.decide import standings
from shared.policy.language.fields import DIALECT, Choice, Schema, Text
from shared.policy.language.findings import Report
from shared.policy.language.records import Entry, Field, ListOf, OrNull, Record
from shared.policy.language.yaml_nodes import Node, Scalar, parse
from shared.policy.rules import Mode, Policy

_OUTCOME = Choice((Outcome.APPROVED, Outcome.HELD, Outcome.DENIED, Outcome.REJECTED))
_EXPECTED = Record(
    "an expectation",
    (
        Field("outcome", _OUTCOME, "what becomes of the request", required=True),
        Field("rule", OrNull(Text("a rule's name")), "the rule that is named; null: none"),
        Field("check", Choice(tuple(Check)), "the first check that failed, of the named rule or of the nearest one"),
        Field("mode", Choice(tuple(Mode)), "audit: nothing would be changed in Azure; enforce: it would"),
    ),
)


class _Expectation:
    """An outcome alone, or a mapping with an outcome and more."""

    def read(self, node: Node, report: Report) -> Any:
        """An outcome or an Entry."""
        return (_OUTCOME if isinstance(node, Scalar) else _EXPECTED).read(node, report)

    def schema(self) -> Schema:
        """Both forms."""
        return {"anyOf": [_OUTCOME.schema(), _EXPECTED.schema()]}


_CASES = ListOf(
    Record(
        "a case",
        (
            Field("name", Text("a case's name"), "what the case shows, in words", required=True),
            Field("request", REQUEST, "the request", required=True),
            Field("expect", _Expectation(), "an outcome, or a mapping of outcome, rule, check and mode", required=True),
        ),
    )
)


def json_schema() -> Schema:
    """The JSON Schema (2020-12) of a file of cases."""
    return {"$schema": DIALECT, "title": "Private Endpoint Approver: policy test cases"} | _CASES.schema()


@dataclass(frozen=True, slots=True)
class Case:
    """A request and what is expected of the policy: `outcome`, `rule`, `check` and `mode`, as far as they are given."""

    name: str
    line: int
    request: Request
    expected: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Result:
    """What the policy said about a case. `why` is the reason that goes with `actual["check"]`."""

    case: Case
    actual: dict[str, str | None]
    why: str
    reached: frozenset[str]

    @property
    def differences(self) -> dict[str, tuple[str | None, str | None]]:
        """What was expected and what came, for everything that differs."""
        pairs = {key: (value, self.actual[key]) for key, value in self.case.expected.items()}
        return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}

    @property
    def explained(self) -> str:
        """One sentence on what differs."""
        parts = [
            f"{key}: expected {want or 'none'}, got {got or 'none'}" for key, (want, got) in self.differences.items()
        ]
        return "; ".join(parts) + (f" ({self.why})" if self.why else "")


def read_cases(text: bytes | str, policy: Policy, report: Report) -> list[Case]:
    """The cases of a YAML text; what is wrong with it goes to the report."""
    root = parse(text, report)
    entries = _CASES.read(root, report) if root else None
    cases, lines = [], dict[str, int]()
    for entry in filter(None, entries or ()):
        name, line = entry["name"], entry.node.line
        if name and lines.setdefault(name, line) != line:
            report.error(entry.place("name"), f"another case has this name: line {lines[name]}")
        request = check_request(entry["request"], report, policy.requesters) if entry["request"] else None
        if name and request and entry["expect"]:
            cases.append(Case(name, line, request, _expected(entry["expect"])))
    return cases


def _expected(expect: str | Entry) -> dict[str, str | None]:
    if isinstance(expect, Entry):
        return {key: expect[key] for key in expect.node.entries}
    return {"outcome": expect}


def run(case: Case, policy: Policy, today: date) -> Result:
    """Decide one case."""
    situation, day = case.request.situation(policy), case.request.day(today)
    verdict, matches = standings(situation, policy, day, situation.connections[0])
    own = [m.failure for m in matches if m.rule.name == verdict.rule]
    nearest = verdict.reasons[0].failed if verdict.reasons and verdict.rule is None else None
    failed = own[0] if own else nearest
    actual = {
        "outcome": verdict.outcome, "rule": verdict.rule, "check": failed.check if failed else None, "mode": verdict.mode,
    }  # fmt: skip
    reached = frozenset(m.rule.name for m in matches if not m.failures)
    return Result(case, actual, str(failed) if failed else "", reached)


def unreached(results: Sequence[Result], policy: Policy) -> list[str]:
    """The rules that applied in no case."""
    reached = frozenset[str]().union(*(result.reached for result in results))
    return [rule.name for rule in policy.rules if rule.name not in reached]


def as_text(results: Sequence[Result], policy: Policy, *, colour: bool) -> str:
    """A table of the cases, what differed, and what no case reaches."""
    rows = [
        (r.case.name, r.case.expected["outcome"], r.actual["outcome"], r.actual["rule"] or "-",
         "FAILED" if r.differences else "ok")
        for r in results
    ]  # fmt: skip
    head, *lines = table(("CASE", "EXPECTED", "GOT", "RULE", "RESULT"), rows).splitlines()
    shown = [coloured(line, good=not r.differences, colour=colour) for line, r in zip(lines, results, strict=True)]
    failed = [r for r in results if r.differences]
    details = [f"line {r.case.line}: {plain(r.case.name)}: {plain(r.explained)}" for r in failed]
    missed = unreached(results, policy)
    coverage = f"rules that no case reaches: {', '.join(missed)}" if missed else "every rule is reached by a case"
    return "\n".join([head, *shown, "", *details, f"{len(results)} cases, {len(failed)} failed; {coverage}"])


def as_json(results: Sequence[Result], policy: Policy) -> dict[str, Any]:
    """The results for other programs."""
    return {
        "cases": [
            {"name": r.case.name, "line": r.case.line, "passed": not r.differences, "expected": r.case.expected,
             "actual": r.actual, "why": r.why}
            for r in results
        ],
        "unreached": unreached(results, policy),
    }  # fmt: skip


def as_junit(results: Sequence[Result], file: str) -> str:
    """The results as JUnit's XML, which continuous integration systems show."""
    failures = sum(bool(r.differences) for r in results)
    suite = ET.Element("testsuite", name=plain(file), tests=str(len(results)), failures=str(failures))
    for result in results:
        case = ET.SubElement(suite, "testcase", name=plain(result.case.name), classname=plain(file))
        case.set("line", str(result.case.line))
        if result.differences:
            ET.SubElement(case, "failure", message=plain(result.explained))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
