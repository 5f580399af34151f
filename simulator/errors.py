"""Errors in the shape in which the API answers them."""

from aiohttp import web


class ApiError(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, detail: str, **fields: str) -> None:
        """Set the status, the detail and further fields of the body."""
        super().__init__(detail)
        self._status = status
        self._body = {"detail": detail} | fields

    def response(self) -> web.Response:
        """Return the response for it."""
        headers = {"WWW-Authenticate": "Bearer"} if self._status == 401 else None
        return web.json_response(self._body, status=self._status, headers=headers)
