"""Queries in the subset of the Kusto query language that the local Resource Graph understands. Pure.

`TABLE | where | extend | project | project-away | mv-expand | distinct | summarize count() by | count | order by | take`.
Anything else is refused with the word that is not understood, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.azure.kql_expressions import Expression, KqlError, Parser, Row, as_text

Step = Callable[[list[Row]], list[Row]]


def run(query: str, tables: Mapping[str, Callable[[], Iterable[Row]]]) -> list[Row]:
    """The rows that a query answers.

    Raises:
        KqlError: it is not understood, or names a table or column that is not there.
    """
    parser = Parser(query)
    table = parser.take().lower()
    if table not in tables:
        raise KqlError(f"there is no table '{table}'")
    steps: list[Step] = []
    while parser.next:
        parser.expect("|")
        steps.append(_step(parser))
    rows = list(tables[table]())
    for step in steps:
        rows = step(rows)
    return rows


def _step(parser: Parser) -> Step:
    word = parser.take().lower()
    build = _STEPS.get(word)
    if build is None:
        raise KqlError(f"the operator '{word}' is not supported by the local Azure")
    return build(parser)


def _where(parser: Parser) -> Step:
    condition = parser.expression()
    return lambda rows: [row for row in rows if condition(row)]


def _columns(parser: Parser) -> list[tuple[str, Expression]]:
    """`name = expression` or an expression that names its column itself (`properties.a` becomes `properties_a`)."""
    found: list[tuple[str, Expression]] = []
    while True:
        mark, name = parser.mark(), parser.name()
        if parser.accept("="):
            found.append((name, parser.expression()))
        else:
            parser.back(mark)
            expression = parser.expression()
            found.append(("_".join(t for t in parser.since(mark) if t != "."), expression))
        if not parser.accept(","):
            return found


def _project(parser: Parser) -> Step:
    columns = _columns(parser)
    return lambda rows: [{name: value(row) for name, value in columns} for row in rows]


def _extend(parser: Parser) -> Step:
    columns = _columns(parser)
    return lambda rows: [{**row, **{name: value(row) for name, value in columns}} for row in rows]


def _names(parser: Parser) -> list[str]:
    names = [parser.name()]
    while parser.accept(","):
        names.append(parser.name())
    return names


def _project_away(parser: Parser) -> Step:
    names = set(_names(parser))
    return lambda rows: [{name: value for name, value in row.items() if name not in names} for row in rows]


def _expand(parser: Parser) -> Step:
    """`mv-expand name = expression [limit n]`: a row for each element, 128 at most unless a limit is given."""
    (name, value) = _columns(parser)[0]
    limit = int(parser.take()) if parser.accept("limit") else 128

    def expand(rows: list[Row]) -> list[Row]:
        found: list[Row] = []
        for row in rows:
            elements = value(row)
            many = elements if isinstance(elements, list) else [elements]
            found += [{**row, name: element} for element in many[:limit]]
        return found

    return expand


def _distinct(parser: Parser) -> Step:
    columns = _columns(parser)

    def distinct(rows: list[Row]) -> list[Row]:
        seen: dict[str, Row] = {}
        for row in rows:
            short = {name: value(row) for name, value in columns}
            seen.setdefault(json.dumps(short, sort_keys=True), short)
        return list(seen.values())

    return distinct


def _summarize(parser: Parser) -> Step:
    """`summarize [name =] count() [by columns]`."""
    name = "count_"
    if parser.next.lower() != "count":
        name = parser.name()
        parser.expect("=")
    for token in ("count", "(", ")"):
        parser.expect(token)
    columns = _columns(parser) if parser.accept("by") else []

    def summarize(rows: list[Row]) -> list[Row]:
        groups: dict[str, Row] = {}
        for row in rows:
            group = {column: value(row) for column, value in columns}
            known = groups.setdefault(json.dumps(group, sort_keys=True), {**group, name: 0})
            known[name] += 1
        return list(groups.values()) or ([] if columns else [{name: 0}])

    return summarize


def _count(_parser: Parser) -> Step:
    return lambda rows: [{"Count": len(rows)}]


def _order(parser: Parser) -> Step:
    parser.expect("by")
    keys: list[tuple[Expression, bool]] = []
    while True:
        value = parser.expression()
        keys.append((value, parser.accept("asc", "desc") != "asc"))  # Kusto's default is descending
        if not parser.accept(","):
            break

    def order(rows: list[Row]) -> list[Row]:
        for value, descending in reversed(keys):
            rows = sorted(rows, key=lambda row, value=value: _rank(value(row)), reverse=descending)  # type: ignore[misc]
        return rows

    return order


def _rank(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0, ""
    if isinstance(value, (int, float)):
        return 1, float(value), ""
    return 2, 0, as_text(value)


def _take(parser: Parser) -> Step:
    count = parser.take()
    if not count.isdigit():
        raise KqlError(f"a number expected at '{count}'")
    return lambda rows: rows[: int(count)]


_STEPS: dict[str, Callable[[Parser], Step]] = {
    "where": _where,
    "project": _project,
    "project-away": _project_away,
    "extend": _extend,
    "mv-expand": _expand,
    "distinct": _distinct,
    "summarize": _summarize,
    "count": _count,
    "order": _order,
    "sort": _order,
    "take": _take,
    "limit": _take,
}
