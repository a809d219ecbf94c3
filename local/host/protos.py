"""Duck types for the worker's gRPC messages, under the names that Microsoft's worker code asks its `protos` for.

`azure_functions_runtime` takes this module as the injected `protos` object. The messages are plain: only what the
worker reads or the host reads back. A lookup of a capitalised name on an instance must raise AttributeError, because
the worker probes `.TypedData` to tell a message from a wrapper.

Source: azure-functions-runtime 1.3.0; FunctionRpc.proto of azure-functions-language-worker-protobuf.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """A message without behaviour; a field that was not set raises AttributeError."""


class TypedData:
    """One value of a binding: exactly one of string, json, bytes, http, int, double, or nothing."""

    def __init__(self, **kind: Any) -> None:
        """Keep the one kind given, for example `TypedData(json="{}")`."""
        self.kind: str | None = None
        for name, value in kind.items():
            self.kind = name
            setattr(self, name, value)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        """The kind that is set, as protobuf tells it."""
        return self.kind

    @property
    def value(self) -> Any:
        """The value of the kind that is set; None for nothing."""
        return None if self.kind is None else getattr(self, self.kind)


class ParameterBinding(Message):
    """A named value: an input of an invocation or one of its outputs."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        """Always the data itself: shared memory is not offered."""
        return "data"


class StatusResult(Message):
    """Success or failure of a request, with the exception of a failure."""

    Failure = 0
    Success = 1


class BindingInfo(Message):
    """A binding in the worker's index."""

    undefined = 0
    out = 1
    inout = 2


class RpcHttpCookie(Message):
    """A cookie of an HTTP answer; the attributes are nullable wrappers with `.value`."""

    SameSite = SimpleNamespace(**{"None": "", "Lax": "Lax", "Strict": "Strict", "ExplicitNone": "None"})


class Timestamp(Message):
    """Seconds since 1970."""


# The worker only makes these and hands them back: no behaviour is needed.
RpcHttp = RpcException = RpcFunctionMetadata = RpcRetryOptions = WorkerMetadata = Message
NullableBool = NullableDouble = NullableString = NullableTimestamp = Message
WorkerInitResponse = FunctionMetadataResponse = FunctionLoadResponse = InvocationResponse = Message
