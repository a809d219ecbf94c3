"""What can go wrong, by what it means for a retry.

```
ApproverError
├── ForgedError           what the ledger remembers of the target is not authentic: nothing rests on it
├── PermanentError        fails again until somebody changes something: alert, do not retry
│   ├── NotFoundError     the resource is not there (any more)
│   ├── ForbiddenError    the app may not do this; the message names the permission where ARM says it
│   ├── OutsideScopeError the policy's scope does not cover it
│   └── ConflictError     what a person asks for does not go with what is there
└── TransientError        may work later: throttling, conflicts, 5xx, timeouts; carries ARM's Retry-After
    └── BusyError         another review holds the target
```
"""

from __future__ import annotations


class ApproverError(Exception):
    """The base of all; `code` is a short word for programs, the text says what failed, on what, and what to do."""

    def __init__(self, message: str, *, code: str = "Error") -> None:
        super().__init__(message)
        self.code = code


class ForgedError(ApproverError):
    """What the ledger remembers of a target is not authentic: the target is held until somebody has looked at it."""


class PermanentError(ApproverError):
    """Fails again until somebody changes something (permissions, locks, policies, a bad request)."""


class NotFoundError(PermanentError):
    """The resource is not there. `look_again`: seconds until that is to be made sure of, None where it need not be."""

    def __init__(self, message: str, *, code: str = "NotFound", look_again: float | None = None) -> None:
        super().__init__(message, code=code)
        self.look_again = look_again


class ForbiddenError(PermanentError):
    """Azure knows who asks and refuses."""


class OutsideScopeError(PermanentError):
    """The policy's `scope` does not cover the resource: it is neither read nor written."""


class ConflictError(PermanentError):
    """What a person asks for does not go with what is there; the text says what to do."""


class TransientError(ApproverError):
    """May work later; `retry_after` is the seconds that the service asked to wait, None where it did not say."""

    def __init__(self, message: str, *, code: str = "Transient", retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class BusyError(TransientError):
    """Another review holds the target's lease."""
