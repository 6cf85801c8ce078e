"""How the Messages API words the requests that it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kclassify.testing import faults
from kclassify.testing.rate_limit_headers import retry_after
from kclassify.testing.wire import Failure

if TYPE_CHECKING:
    from kclassify.testing.rate_limits import RateLimited

_ALWAYS_THE_SAME = {
    "overloaded": Failure(529, "overloaded_error", "Overloaded"),
    "overloaded_as_api_error": Failure(500, "api_error", "Overloaded"),
    "server_error": Failure(500, "api_error", "Internal server error"),
    "unauthorized": Failure(401, "authentication_error", "invalid x-api-key"),
    "forbidden": Failure(403, "permission_error", "This key may not use the specified resource"),
    "too_large": Failure(413, "request_too_large", "Request exceeds the maximum size"),
}


def failure_of(fault: faults.FrontDoorFault, model: str) -> Failure:
    """The failure that a fault stands for, when `model` was asked for."""
    match fault:
        case faults.Throttled(retry_after=seconds):
            headers = {} if seconds is None else {"retry-after": f"{seconds:.15g}"}
            message = "This request would exceed your organization's rate limit"
            return Failure(429, "rate_limit_error", message, headers=headers)
        case faults.SpendLimit(code=code):
            message = "You have reached your specified API usage limits"
            return Failure(429, "rate_limit_error", message, code)
        case faults.UnknownModel():
            return Failure(404, "not_found_error", f"model: {model}")
        case faults.BadRequest(message=message):
            return Failure(400, "invalid_request_error", message)
        case _:
            return _ALWAYS_THE_SAME[fault.kind]


def failure_of_limit(limited: RateLimited) -> Failure:
    """The failure of a request that came too soon."""
    message = f"This request would exceed the rate limit for your organization of {limited}"
    headers = {"retry-after": retry_after(limited.wait_s)}
    return Failure(429, "rate_limit_error", message, headers=headers)
