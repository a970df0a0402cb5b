"""Requests for routes that packs added go to the worker that loaded the packs."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.web_urldispatcher import UrlDispatcher

from engine.compat.pack_calls import SECRET
from engine.server.paths import PREFIX

_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host", "content-length"}
_CHUNK = 1 << 16


class PackRoutes:
    """Which routes packs have, and where they are served."""

    def __init__(self) -> None:
        self._port = 0
        self._secret = ""
        self._table: UrlDispatcher | None = None
        self._session: aiohttp.ClientSession | None = None

    def learn(self, served: Mapping[str, Any] | None) -> None:
        """Take what a worker tells of its packs' routes; None: they have none."""
        if served is None:
            self._table = None
            return
        table = UrlDispatcher()
        for method, path in served["routes"]:
            table.add_route(method, path, _nothing)
        self._port, self._secret, self._table = served["port"], served["secret"], table

    async def answer(self, request: web.Request) -> web.StreamResponse | None:
        """What a pack answers, with and without the prefix; None if it has no such route. Raises 503."""
        if self._table is None:
            return None
        raw = request.rel_url.raw_path
        for path in (raw, raw.removeprefix(PREFIX)):
            target = request.rel_url.with_path(path, encoded=True).with_query(request.rel_url.query)
            if (await self._table.resolve(request.clone(rel_url=target))).http_exception is None:
                return await self._passed_on(request, str(target))
        return None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _passed_on(self, request: web.Request, path: str) -> web.StreamResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers[SECRET] = self._secret
        url = f"http://127.0.0.1:{self._port}{path}"
        body = request.content if request.can_read_body else None
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                told = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                response = web.StreamResponse(status=answer.status, headers=told)
                await response.prepare(request)
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    await response.write(chunk)
                await response.write_eof()
                return response
        except aiohttp.ClientConnectionError as error:
            raise web.HTTPServiceUnavailable(text="the worker that has this pack's routes is not up") from error


async def _nothing(_request: web.Request) -> web.StreamResponse:
    raise NotImplementedError
