"""What can go wrong with one request, as data: each fault carries its name in `kind`.

As JSON a fault is an object such as `{"kind": "throttled", "retry_after": 30}`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

_CLOSED = ConfigDict(extra="forbid")

SpendLimitCode = Literal["enforced_spend_limit_reached", "contract_spend_limit_reached"]


@dataclass(frozen=True, config=_CLOSED)
class Throttled:
    """429 `rate_limit_error`, with a `retry-after` header of so many seconds unless None."""

    retry_after: float | None = None
    kind: Literal["throttled"] = "throttled"


@dataclass(frozen=True, config=_CLOSED)
class SpendLimit:
    """429 `rate_limit_error` whose `error.details.error_code` says that the money is spent."""

    code: SpendLimitCode = "enforced_spend_limit_reached"
    kind: Literal["spend_limit"] = "spend_limit"


@dataclass(frozen=True, config=_CLOSED)
class Overloaded:
    """529 `overloaded_error`."""

    kind: Literal["overloaded"] = "overloaded"


@dataclass(frozen=True, config=_CLOSED)
class OverloadedAsApiError:
    """500 `api_error` with the message "Overloaded"."""

    kind: Literal["overloaded_as_api_error"] = "overloaded_as_api_error"


@dataclass(frozen=True, config=_CLOSED)
class ServerError:
    """500 `api_error`."""

    kind: Literal["server_error"] = "server_error"


@dataclass(frozen=True, config=_CLOSED)
class Unauthorized:
    """401 `authentication_error`."""

    kind: Literal["unauthorized"] = "unauthorized"


@dataclass(frozen=True, config=_CLOSED)
class Forbidden:
    """403 `permission_error`."""

    kind: Literal["forbidden"] = "forbidden"


@dataclass(frozen=True, config=_CLOSED)
class UnknownModel:
    """404 `not_found_error` that names the model asked for."""

    kind: Literal["unknown_model"] = "unknown_model"


@dataclass(frozen=True, config=_CLOSED)
class BadRequest:
    """400 `invalid_request_error` with this message."""

    message: str = "the request was rejected by the fault plan"
    kind: Literal["bad_request"] = "bad_request"


@dataclass(frozen=True, config=_CLOSED)
class TooLarge:
    """413 `request_too_large`."""

    kind: Literal["too_large"] = "too_large"


@dataclass(frozen=True, config=_CLOSED)
class Hang:
    """No answer at all, until the client goes away or the stub stops."""

    kind: Literal["hang"] = "hang"


@dataclass(frozen=True, config=_CLOSED)
class LostReply:
    """All is done and billed as asked, and the answer never comes: the client hangs as ever."""

    kind: Literal["lost_reply"] = "lost_reply"


@dataclass(frozen=True, config=_CLOSED)
class Reset:
    """The connection is reset in the middle of the body of a good answer."""

    kind: Literal["reset"] = "reset"


@dataclass(frozen=True, config=_CLOSED)
class ResetAtOnce:
    """The connection is reset before any byte of an answer."""

    kind: Literal["reset_at_once"] = "reset_at_once"


@dataclass(frozen=True, config=_CLOSED)
class Trickle:
    """A good answer, sent slowly: no single read times out, but the whole call may."""

    bytes_per_second: Annotated[float, Field(gt=0)] = 10.0
    kind: Literal["trickle"] = "trickle"


@dataclass(frozen=True, config=_CLOSED)
class BrokenJson:
    """200 with a text that is prose where JSON was asked for."""

    kind: Literal["broken_json"] = "broken_json"


@dataclass(frozen=True, config=_CLOSED)
class BrokenBody:
    """200 with an HTML page for a body, under this content type."""

    content_type: str = "application/json"
    kind: Literal["broken_body"] = "broken_body"


@dataclass(frozen=True, config=_CLOSED)
class WrongLabel:
    """200 with this label, whatever the schema allows."""

    label: str = "not-in-the-taxonomy"
    kind: Literal["wrong_label"] = "wrong_label"


@dataclass(frozen=True, config=_CLOSED)
class BadConfidence:
    """200 with this confidence, whatever the bounds."""

    value: float = 1.7
    kind: Literal["bad_confidence"] = "bad_confidence"


@dataclass(frozen=True, config=_CLOSED)
class Refusal:
    """200 with the stop reason `refusal` and no content."""

    kind: Literal["refusal"] = "refusal"


@dataclass(frozen=True, config=_CLOSED)
class Truncation:
    """200 with the stop reason `max_tokens` and a text cut in the middle of its JSON."""

    kind: Literal["truncation"] = "truncation"


FrontDoorFault = (
    Throttled
    | SpendLimit
    | Overloaded
    | OverloadedAsApiError
    | ServerError
    | Unauthorized
    | Forbidden
    | UnknownModel
    | BadRequest
    | TooLarge
)
"""Refused with an HTTP status, before any model sees the request."""

ContentFault = BrokenJson | WrongLabel | BadConfidence | Refusal | Truncation
"""A well-formed 200 whose content is not what was asked for."""

DeliveryFault = Hang | LostReply | Reset | ResetAtOnce | Trickle | BrokenBody
"""A good answer that does not arrive, or not as it was."""

Fault = FrontDoorFault | ContentFault | DeliveryFault

NamedFault = Annotated[Fault, Field(discriminator="kind")]
"""A fault for pydantic to read: the `kind` decides which one, and unknown fields are errors."""

FAULT = TypeAdapter[Fault | None](NamedFault | None)
"""Reads a fault, or null, from Python objects or JSON, and dumps it."""
