"""What cannot be answered, in OpenAI's terms."""

from __future__ import annotations


class BadRequest(Exception):
    """A request that cannot be answered."""

    def __init__(
        self, message: str, param: str | None = None, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        """Take what is wrong and with which parameter."""
        super().__init__(message)
        self.message, self.param, self.status, self.headers = message, param, status, headers

    def body(self) -> dict[str, object]:
        """The error object that clients of OpenAI parse."""
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        kind = kinds.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": None}}
