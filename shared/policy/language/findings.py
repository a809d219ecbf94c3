"""What is wrong with a document, each with its place. Pure values; who shows them decides how they look."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

Level = Literal["error", "warning"]

_MAX_SUGGESTIONS = 20
_MAX_ALLOWED = 40
_MAX_FINDINGS = 1000


class Place(Protocol):
    """Where something was written: 1-based line and column, and a path such as `rules[2].targets.types[0]`."""

    @property
    def line(self) -> int: ...  # noqa: D102 - described by the class

    @property
    def column(self) -> int: ...  # noqa: D102

    @property
    def path(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that no node of the document stands for: a syntax error, a bad byte."""

    line: int
    column: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning.

    Args:
        level: an error makes the document invalid, a warning does not.
        line: 1-based.
        column: 1-based, in characters.
        path: such as `rules[2].targets.types[0]`; "" for the document as a whole.
        message: one sentence: what is wrong and what to write instead.
        allowed: the values that would be right, where they can be listed.
    """

    level: Level
    line: int
    column: int
    path: str
    message: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        allowed = f" (allowed: {', '.join(self.allowed)})" if self.allowed else ""
        where = f"{self.path}: " if self.path else ""
        return f"{self.line}:{self.column}: {self.level}: {where}{self.message}{allowed}"


class PolicyError(Exception):
    """No valid policy is there, so nothing may be approved. `subject` names the text for alerts: its hash, or `missing`."""

    subject = "missing"


class InvalidPolicyError(PolicyError):
    """The text is not a valid policy.

    Args:
        findings: every error, in the order of the text.
        hash: the SHA-256 of the text in hexadecimal.
    """

    def __init__(self, findings: Iterable[Finding], hash: str) -> None:  # noqa: A002 - the name it has in the policy
        self.findings = tuple(findings)
        self.hash = self.subject = hash
        super().__init__("\n".join(map(str, self.findings)))


@dataclass(slots=True)
class Report:
    """Collects findings while a document is read."""

    findings: list[Finding] = field(default_factory=list)
    _suggestions: int = 0

    def error(self, place: Place, message: str, allowed: Collection[str] = ()) -> None:
        """Note an error. More allowed values than a person would read are left out."""
        self._add("error", place, message, tuple(allowed) if len(allowed) <= _MAX_ALLOWED else ())

    def warning(self, place: Place, message: str) -> None:
        """Note something that is valid but probably not meant."""
        self._add("warning", place, message)

    def _add(self, level: Level, place: Place, message: str, allowed: tuple[str, ...] = ()) -> None:
        """A file of another kind can be wrong in a million places; nobody reads more than the first thousand."""
        if len(self.findings) < _MAX_FINDINGS:
            self.findings.append(Finding(level, place.line, place.column, place.path, message, allowed))
        elif len(self.findings) == _MAX_FINDINGS:
            self.findings.append(Finding(level, place.line, place.column, "", "there is more, which is not listed"))

    def unknown(self, place: Place, what: str, word: str, known: Collection[str]) -> None:
        """Note a word that is none of the known ones, with the nearest of them.

        Only the first few unknown words get a suggestion: looking for the nearest of a thousand names takes long.
        """
        nearest = ""
        if self._suggestions < _MAX_SUGGESTIONS:
            self._suggestions += 1
            nearest = _nearest(word, known)
        self.error(place, f"unknown {what} {quoted(word)}{nearest}", known)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(f.level == "error" for f in self.findings)

    def ordered(self) -> list[Finding]:
        """All findings in the order of the text."""
        return sorted(self.findings, key=lambda f: (f.line, f.column))


def quoted(text: str) -> str:
    """The text for a message: in quotes, on one line, at most 80 characters of it."""
    return ascii_safe(repr(text[:80] + "…" * (len(text) > 80)))


def ascii_safe(text: str) -> str:
    """The text without characters that could not be printed or sent on (lone surrogates)."""
    return text.encode("utf-8", "backslashreplace").decode()


def _nearest(word: str, known: Collection[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word[:80], known, n=1, cutoff=0.6)
    # What types have in common, their namespaces' form, makes no two of them alike: so must be what comes last.
    alike = near and get_close_matches(word[:80].rpartition("/")[2], [near[0].rpartition("/")[2]], cutoff=0.6)
    return f": did you mean {quoted(near[0])}?" if alike else ""
