"""Parts that are made once, when they are first asked for, however many threads ask at the same moment.

`functools.cached_property` had a lock up to Python 3.11 and has none from 3.12 on, where concurrent first calls make a part
several times; and that lock was one for all instances. This one is a part's own.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, TypeVar, overload

Owner = TypeVar("Owner")
Part = TypeVar("Part")


class once(Generic[Owner, Part]):  # noqa: N801 - a decorator
    """A property whose value is made at the first access and kept. What the making raises is raised, and tried again."""

    def __init__(self, make: Callable[[Owner], Part]) -> None:
        self._make = make
        self._lock = RLock()
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: Any) -> once[Owner, Part]: ...

    @overload
    def __get__(self, instance: Owner, owner: Any) -> Part: ...

    def __get__(self, instance: Owner | None, owner: Any) -> once[Owner, Part] | Part:
        if instance is None:
            return self
        parts = instance.__dict__
        if self._name not in parts:
            with self._lock:
                if self._name not in parts:
                    parts[self._name] = self._make(instance)
        part: Part = parts[self._name]
        return part
