"""Where a process can be interrupted: every call that it makes to the outside passes through `Points`.

A test sees which points a scenario reaches, and does something right before or right after one of them: somebody acts, the
call fails, its answer is lost, the process dies, or it stands still while others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

Value = TypeVar("Value")
When = Literal["before", "after"]

READS = ("GET", "list", "read", "query")
"""How the names of points begin at which nothing is changed."""


class Died(BaseException):
    """The process ends here: no handler runs, and what it had in memory is gone."""


def die() -> None:
    """What an interruption does to end the process."""
    raise Died


@dataclass
class Interruption:
    """What happens at a point: at the one with that number, or at the next ones whose name begins so."""

    act: Callable[[], None]
    when: When
    index: int | None = None
    name: str = ""
    times: int = 1

    def meets(self, index: int, name: str, when: When) -> bool:
        if self.times <= 0 or when != self.when:
            return False
        return index == self.index if self.index is not None else name.startswith(self.name)


@dataclass
class Points:
    """The points that were reached, in order, and what happens at some of them."""

    reached: list[str] = field(default_factory=list)
    _interruptions: list[Interruption] = field(default_factory=list)

    def through(self, name: str, call: Callable[[], Value]) -> Value:
        """Make a call to the outside."""
        index = len(self.reached)
        self.reached.append(name)
        self._interrupt(index, name, "before")
        value = call()
        self._interrupt(index, name, "after")
        return value

    def at(self, index: int, act: Callable[[], None], when: When = "before") -> None:
        """Do something at the point with that number."""
        self._interruptions.append(Interruption(act, when, index))

    def on(self, name: str, act: Callable[[], None], when: When = "before", times: int = 1) -> Interruption:
        """Do something at the next points whose name begins so."""
        made = Interruption(act, when, name=name, times=times)
        self._interruptions.append(made)
        return made

    def fail(self, name: str, error: Exception, when: When = "before", times: int = 1) -> Interruption:
        """The next calls whose name begins so fail; `after`: they are carried out, and only the answer is lost."""

        def act() -> None:
            raise error

        return self.on(name, act, when, times)

    def clear(self) -> None:
        """Nothing happens any more."""
        self._interruptions.clear()

    def count(self, name: str) -> int:
        """How many points were reached whose name begins so."""
        return sum(one.startswith(name) for one in self.reached)

    def _interrupt(self, index: int, name: str, when: When) -> None:
        for one in self._interruptions:
            if one.meets(index, name, when):
                one.times -= 1
                one.act()
