"""Every open websocket: who is told what, in order, and nobody waits for a slow one."""

import asyncio
import json
import logging
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from engine.compat.pack_calls import LARGEST_BODY
from engine.server.asker import Asker
from engine.server.discretion import discreet_json

log = logging.getLogger(__name__)
FEATURES: Mapping[str, Any] = {"supports_preview_metadata": True, "max_upload_size": LARGEST_BODY}
LONGEST_QUEUE = 5000  # messages that wait for a client before it is dropped
KEPT = 10_000  # messages that a client which comes back can still get
_TEXT, _PREVIEW, _PREVIEW_WITH_METADATA = 3, 1, 4
_JPEG, _PNG = 1, 2


@dataclass(eq=False)
class Socket:
    """One connection."""

    id: str
    connection: web.WebSocketResponse
    numbered: bool  # the client counts messages, so that it can say which one it saw last
    asker: Asker = field(default_factory=Asker)
    remote: str = ""
    most_messages: int = 100  # that it may send in a second
    cut: Callable[[], None] = lambda: None  # ends the connection where no goodbye could be read
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    wants_logs: bool = False
    change: int = 0  # of the queue: the last that it was told of
    dropped: bool = False
    waiting: "asyncio.Queue[str | bytes]" = field(default_factory=lambda: asyncio.Queue(LONGEST_QUEUE))

    def may_see(self, user: str | None) -> bool:
        """Whether a message about this user's doings is for this socket; None: it is about nobody's."""
        return user is None or self.asker.user in (None, user)

    def put(self, message: str | bytes) -> None:
        """Have a message sent after those that wait already; a client that cannot keep up is dropped."""
        if isinstance(message, bytes) and self.waiting.qsize() > LONGEST_QUEUE // 2:
            return  # pictures are the first to go
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            log.warning("client %s does not read what it is sent and is dropped", self.id, extra={"client": self.id})
            self.dropped = True
            self.waiting = asyncio.Queue()
            self.cut()  # a goodbye would wait behind what is not read

    async def send_all(self) -> None:
        """Send what is put."""
        while True:
            message = await self.waiting.get()
            if isinstance(message, str):
                await self.connection.send_str(message)
            else:
                await self.connection.send_bytes(message)


@dataclass
class Sockets:
    """All connections of a server. A newer one takes over the name of an older one of the same user.

    What is sent for a `user` reaches that user's sockets alone, now and when it is asked for again.
    """

    _open: dict[str, Socket] = field(default_factory=dict[str, Socket])
    _all: set[Socket] = field(default_factory=set[Socket])
    _kept: deque[tuple[int, str | None, str | None, str, str]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _dropped: int = 0  # of those that are gone
    _number: int = field(default_factory=lambda: time.time_ns() // 1000)  # rises over restarts as well

    def __len__(self) -> int:
        return len(self._all)

    def count_from(self, remote: str) -> int:
        """How many are open from an address."""
        return sum(socket.remote == remote for socket in self._all)

    def __contains__(self, id: object) -> bool:
        return id in self._open

    @property
    def dropped(self) -> int:
        """How many clients did not keep up."""
        return self._dropped + sum(each.dropped for each in list(self._all))

    def belongs_to_another(self, id: str, asker: Asker) -> bool:
        """Whether another user has a socket of this name open."""
        return id in self._open and not self._open[id].may_see(asker.user)

    def askers(self) -> set[Asker]:
        """Who has a socket open."""
        return {socket.asker for socket in self._all}

    def send(self, type: str, data: Any, to: str | None = None, *, user: str | None = None, keep: bool = True) -> None:
        """Send JSON to one client, or to all. What the next message of its kind replaces need not be kept."""
        if to is not None and user is None:
            user = self._open[to].asker.owner if to in self._open else ""
        addressed = self._addressed(to, user)
        if not keep and not addressed:
            return
        self._number += 1
        text = json.dumps(data, separators=(",", ":"))
        if keep:
            self._kept.append((self._number, to, user, type, text))
        for socket in addressed:
            socket.put(_message(type, _told(socket, type, text), self._number if socket.numbered else None))

    def send_status(self, told: Callable[[str | None], Any], change: int, to: str | None = None) -> None:
        """Send how long a user's queue is after so many changes: to one client, or to all not told of as many yet."""
        texts: dict[str | None, str] = {}
        for socket in self._addressed(to, None):
            if to is not None or socket.change < change:
                socket.change, user = change, socket.asker.user
                if user not in texts:
                    texts[user] = json.dumps(told(user), separators=(",", ":"))
                socket.put(_message("status", texts[user], self._number if socket.numbered else None))

    def send_preview(
        self, picture: bytes, where: Mapping[str, Any], to: str | None = None, user: str | None = None
    ) -> None:
        """Send a picture of where a node stands, JPEG or PNG, in the form that each client knows."""
        is_png = picture.startswith(b"\x89PNG")
        header = json.dumps({**where, "image_type": "image/png" if is_png else "image/jpeg"}).encode()
        full = struct.pack(">II", _PREVIEW_WITH_METADATA, len(header)) + header + picture
        plain = struct.pack(">II", _PREVIEW, _PNG if is_png else _JPEG) + picture
        for socket in self._addressed(to, user):
            socket.put(full if socket.flags.get("supports_preview_metadata") else plain)

    def shows_previews(self, to: str | None, user: str | None) -> bool:
        """Whether a client, or any, said that it knows what pictures of where a node stands are."""
        return any(socket.flags.get("supports_preview_metadata") for socket in self._addressed(to, user))

    def send_bytes(self, kind: int, body: bytes, to: str | None = None, user: str | None = None) -> None:
        """Send a binary message of a pack, as it is."""
        for socket in self._addressed(to, user):
            socket.put(struct.pack(">I", kind) + body)

    def send_log(self, line: Any) -> None:
        """Send a line of the log to those who asked for it; it is not kept."""
        text = _message("logs", json.dumps({"entries": [line], "size": None}))
        for socket in self._open.values():
            if socket.wants_logs:
                socket.put(text)

    def subscribe(self, id: str, asker: Asker, wants_logs: bool) -> None:
        """Whether a client of this user wants the log's lines."""
        if id in self._open and self._open[id].may_see(asker.user):
            self._open[id].wants_logs = wants_logs

    async def serve(self, socket: Socket, first: list[tuple[str, Any]], since: int | None) -> None:
        """Speak with a client until it goes. It is told `first`, then what it missed since a number."""
        self._open[socket.id] = socket
        self._all.add(socket)
        for type, data in first:
            socket.put(_message(type, json.dumps(data), self._number if socket.numbered else None))
        if since is not None:
            self._repeat(socket, since)
        sender = asyncio.create_task(socket.send_all())
        try:
            await self._listen(socket)
        finally:
            if self._open.get(socket.id) is socket:
                del self._open[socket.id]
            self._all.discard(socket)
            self._dropped += socket.dropped
            sender.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await sender

    async def close(self) -> None:
        """Say goodbye to everybody."""
        for socket in list(self._all):
            with suppress(ConnectionError, RuntimeError):
                await socket.connection.close(code=WSCloseCode.GOING_AWAY)

    async def turn_out(self, asker: Asker) -> None:
        """Close what was opened with a token that is worth nothing any more."""
        for socket in [each for each in self._all if each.asker == asker]:
            with suppress(ConnectionError, RuntimeError):
                await socket.connection.close(code=WSCloseCode.POLICY_VIOLATION)

    def _repeat(self, socket: Socket, since: int) -> None:
        """Send again what came after a number; a client that was away for too long is told so."""
        oldest = self._kept[0][0] if self._kept else self._number + 1
        if since < oldest - 1:
            socket.put(_message("missed", json.dumps({"since": since, "oldest": oldest}), self._number))
        for number, to, user, type, text in self._kept:
            if number > since and to in (None, socket.id) and socket.may_see(user):
                socket.put(_message(type, _told(socket, type, text), number))

    def _addressed(self, to: str | None, user: str | None) -> list[Socket]:
        named = list(self._open.values()) if to is None else [self._open[to]] if to in self._open else []
        return [socket for socket in named if socket.may_see(user)]

    async def _listen(self, socket: Socket) -> None:
        """Read what a client says: the features that it knows, in its first message, and nothing after."""
        first, second, count = True, 0, 0
        async for message in socket.connection:
            now = int(time.monotonic())
            second, count = now, count + 1 if now == second else 1
            if count > socket.most_messages:
                log.warning("client %s sends too much and is dropped", socket.id)
                await socket.connection.close(code=WSCloseCode.POLICY_VIOLATION)
                return
            if message.type is not WSMsgType.TEXT or not first:
                continue
            try:
                said = json.loads(message.data)
            except ValueError:
                continue
            first = False
            if isinstance(said, Mapping) and said.get("type") == "feature_flags":
                flags = said.get("data")
                socket.flags = flags if isinstance(flags, Mapping) else {}
                socket.put(_message("feature_flags", json.dumps(FEATURES)))


def _told(socket: Socket, type: str, text: str) -> str:
    return text if socket.asker.sees_inside else discreet_json(type, text)


def _message(type: str, data: str, number: int | None = None) -> str:
    counted = "" if number is None else f',"seq":{number}'
    return f'{{"type":{json.dumps(type)},"data":{data}{counted}}}'
