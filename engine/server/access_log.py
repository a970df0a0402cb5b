"""A line of the log for each request that was answered."""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

ACCESS = "engine.access"  # the logger of these lines


class AccessLog(AbstractAccessLogger):
    """Tells who asked what, and how it was answered; queries are left out, for a token may be among them."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        path = request.rel_url.raw_path  # quoted: nobody writes lines of their own
        told = {"method": request.method, "path": path, "status": response.status, "remote": request.remote}
        self.logger.info(
            "%s %s %s: %d in %.1f ms",
            *(request.remote, request.method, path, response.status, time * 1000),
            extra={**told, "seconds": round(time, 6)},
        )

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)
