"""Expressions of the Kusto query language, as much of it as Resource Graph queries here need. Pure.

Parses into closures over a row. Comparisons follow Kusto: `==` with case, `=~`, `in~`, `contains`, `has`, `startswith`
without; a comparison with null is false; a dynamic value is compared as its text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Expression = Callable[[Row], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>!?[A-Za-z_$][\w$-]*~?)
    |(?P<sign>=~|!~|==|!=|<=|>=|[()\[\],.|=<>]))""",
    re.VERBOSE,
)
_WORDS = re.compile(r"\w+")


class KqlError(ValueError):
    """The query is not understood; the message says where."""


def tokens(text: str) -> list[str]:
    """The query in tokens.

    Raises:
        KqlError: a character that starts none.
    """
    found, position = [], 0
    text = re.sub(r"//[^\n]*", "", text).rstrip().rstrip(";")
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise KqlError(f"unexpected text at '{text[position : position + 20].strip()}'")
        found.append(match.group().strip())
        position = match.end()
    return found


def as_text(value: Any) -> str:
    """`tostring`: null is "", a dynamic value its JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _low(value: Any) -> str:
    return as_text(value).lower()


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b if type(a) is type(b) else as_text(a) == as_text(b),
    "!=": lambda a, b: as_text(a) != as_text(b),
    "=~": lambda a, b: _low(a) == _low(b),
    "!~": lambda a, b: _low(a) != _low(b),
    "contains": lambda a, b: _low(b) in _low(a),
    "!contains": lambda a, b: _low(b) not in _low(a),
    "contains_cs": lambda a, b: as_text(b) in as_text(a),
    "startswith": lambda a, b: _low(a).startswith(_low(b)),
    "!startswith": lambda a, b: not _low(a).startswith(_low(b)),
    "endswith": lambda a, b: _low(a).endswith(_low(b)),
    "!endswith": lambda a, b: not _low(a).endswith(_low(b)),
    "has": lambda a, b: _low(b) in _WORDS.findall(_low(a)),
    "<": lambda a, b: _comparable(a, b) and a < b,
    "<=": lambda a, b: _comparable(a, b) and a <= b,
    ">": lambda a, b: _comparable(a, b) and a > b,
    ">=": lambda a, b: _comparable(a, b) and a >= b,
}
_MEMBERSHIP: dict[str, tuple[str, bool]] = {
    "in": ("==", True),
    "in~": ("=~", True),
    "!in": ("==", False),
    "!in~": ("=~", False),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "isempty": lambda value: as_text(value) == "",
    "isnotempty": lambda value: as_text(value) != "",
    "tostring": as_text,
    "tolower": _low,
    "toupper": lambda value: as_text(value).upper(),
    "strlen": lambda value: len(as_text(value)),
    "array_length": lambda value: len(value) if isinstance(value, list) else None,
    "coalesce": lambda *values: next((v for v in values if v not in (None, "")), None),
    "strcat": lambda *values: "".join(as_text(value) for value in values),
    "not": lambda value: not value,
}


def _comparable(a: Any, b: Any) -> bool:
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
    return numbers or (isinstance(a, str) and isinstance(b, str))


class Parser:
    """A position in the tokens of a query."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0

    @property
    def next(self) -> str:
        """The token to come, "" at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """The next token, consumed."""
        token = self.next
        if not token:
            raise KqlError("the query ends too early")
        self._at += 1
        return token

    def accept(self, *wanted: str) -> str:
        """The next token if it is one of these (without regard to case), consumed; else ""."""
        return self.take() if self.next.lower() in wanted else ""

    def mark(self) -> int:
        """This place in the query, to come back to."""
        return self._at

    def back(self, mark: int) -> None:
        """Go back to a place."""
        self._at = mark

    def since(self, mark: int) -> list[str]:
        """The tokens consumed since a place."""
        return self._tokens[mark : self._at]

    def expect(self, wanted: str) -> None:
        """Consume exactly this token."""
        if not self.accept(wanted):
            raise KqlError(f"'{wanted}' expected at '{self.next}'")

    def name(self) -> str:
        """A column's name, consumed."""
        token = self.take()
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise KqlError(f"a column's name expected at '{token}'")
        return token

    def expression(self) -> Expression:
        """A whole expression: `or` binds weakest, then `and`, then comparisons."""
        left = self._conjunction()
        while self.accept("or"):
            left = _either(left, self._conjunction())
        return left

    def _conjunction(self) -> Expression:
        left = self._comparison()
        while self.accept("and"):
            left = _both(left, self._comparison())
        return left

    def _comparison(self) -> Expression:
        left = self._operand()
        operator = self.next.lower()
        if operator in _MEMBERSHIP:
            self.take()
            compare, positive = _MEMBERSHIP[operator]
            return _member(left, self._arguments(), _COMPARISONS[compare], positive=positive)
        if operator in _COMPARISONS:
            self.take()
            return _compare(left, self._operand(), _COMPARISONS[operator])
        return left

    def _operand(self) -> Expression:
        token = self.take()
        if token == "(":  # noqa: S105  # a parenthesis, not a password
            inner = self.expression()
            self.expect(")")
            return inner
        if token[0] in "'\"":
            return _constant(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if token[0].isdigit():
            return _constant(float(token) if "." in token else int(token))
        if token.lower() in ("true", "false"):
            return _constant(token.lower() == "true")
        if self.next == "(":
            return self._call(token)
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise KqlError(f"a value expected at '{token}'")
        return self._path(_column(token))

    def _call(self, name: str) -> Expression:
        function = _FUNCTIONS.get(name.lower())
        if function is None:
            raise KqlError(f"the function '{name}' is not supported by the local Azure")
        arguments = self._arguments()
        return self._path(lambda row: function(*(argument(row) for argument in arguments)))

    def _arguments(self) -> list[Expression]:
        self.expect("(")
        found: list[Expression] = []
        while not self.accept(")"):
            found.append(self.expression())
            if self.next != ")":
                self.expect(",")
        return found

    def _path(self, start: Expression) -> Expression:
        found = start
        while sign := self.accept(".", "["):
            if sign == ".":
                found = _step(found, self.name())
            else:
                token = self.take()
                found = _step(found, int(token) if token.isdigit() else token[1:-1])
                self.expect("]")
        return found


def _constant(value: Any) -> Expression:
    return lambda _row: value


def _column(name: str) -> Expression:
    def value(row: Row) -> Any:
        if name not in row:
            raise KqlError(f"there is no column '{name}'")
        return row[name]

    return value


def _step(start: Expression, key: str | int) -> Expression:
    def value(row: Row) -> Any:
        found = start(row)
        if isinstance(found, dict) and isinstance(key, str):
            return found.get(key)
        if isinstance(found, list) and isinstance(key, int):
            return found[key] if key < len(found) else None
        return None

    return value


def _either(left: Expression, right: Expression) -> Expression:
    return lambda row: bool(left(row)) or bool(right(row))


def _both(left: Expression, right: Expression) -> Expression:
    return lambda row: bool(left(row)) and bool(right(row))


def _compare(left: Expression, right: Expression, test: Callable[[Any, Any], bool]) -> Expression:
    def value(row: Row) -> bool:
        a, b = left(row), right(row)
        return a is not None and b is not None and test(a, b)

    return value


def _member(
    left: Expression, members: list[Expression], test: Callable[[Any, Any], bool], *, positive: bool
) -> Expression:
    return lambda row: any(test(left(row), member(row)) for member in members) is positive
