"""Refuse a request, in the shape that the API has for it."""

from aiohttp import web


class ApiError(Exception):
    """Refuse a request with a status and a detail."""

    def __init__(self, status: int, detail: str, **fields: str) -> None:
        """Say why."""
        super().__init__(detail)
        self._status = status
        self._body = {"detail": detail} | fields

    def response(self) -> web.Response:
        """Return the answer."""
        headers = {"WWW-Authenticate": "Bearer"} if self._status == 401 else None
        return web.json_response(self._body, status=self._status, headers=headers)
