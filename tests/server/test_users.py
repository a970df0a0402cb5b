"""Several users of one server: each has their own, and reaches nothing of anybody else's."""

import asyncio
import json
import uuid
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from engine.__main__ import main
from engine.cli import config_file
from engine.server.accounts import DATABASE, Account, Accounts
from tests.server.routes import OPEN, every_route
from tests.server.serving import Client, Server, serving

ROOT, ANN, BEN = "Root", "Ann", "Ben"
ANNS = "anns-own-things"  # stands in all that Ann keeps, and in nothing that others are told


@dataclass(frozen=True)
class Shared:
    """A server of several users: an administrator and two others."""

    server: Server
    accounts: Accounts
    tokens: dict[str, str]

    def id(self, name: str) -> str:
        return self.accounts.require(name).id

    def speak(self, scenario: Callable[..., Coroutine[Any, Any, None]], *names: str) -> None:
        """Run a scenario with a client for each of these users."""

        async def run() -> None:
            sessions = [
                aiohttp.ClientSession(
                    self.server.address, headers={"Authorization": f"Bearer {self.tokens[name]}", "Comfy-User": ""}
                )
                for name in names
            ]
            try:
                await scenario(*map(Client, sessions))
            finally:
                for session in sessions:
                    await session.close()

        asyncio.run(run())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shared]:
    base = tmp_path_factory.mktemp("users")
    accounts = Accounts(base / "user" / DATABASE)
    tokens = {name: accounts.add(name)[1] for name in (ROOT, ANN, BEN)}
    with serving(base, "--multi-user") as server:
        yield Shared(server, accounts, tokens)
    accounts.close()


def sleep(seconds: float, says: str = ANNS) -> dict[str, Any]:
    return {"s": {"class_type": "Sleep", "inputs": {"seconds": seconds}, "_meta": {"title": says}}}


def fail(says: str = ANNS) -> dict[str, Any]:
    return {"f": {"class_type": "Fail", "inputs": {"msg": says}}}


async def runs(client: Client, id: str) -> None:
    async with asyncio.timeout(60):
        while (await client.get(f"/api/jobs/{id}"))["status"] != "in_progress":
            await asyncio.sleep(0.02)


def test_without_a_token_of_a_user_nothing_is_answered(shared: Shared) -> None:
    async def scenario() -> None:
        wrong = f"{shared.tokens[ANN].partition('.')[0]}.{'x' * 43}"
        for headers in ({}, {"Authorization": f"Bearer {wrong}"}, {"Comfy-User": shared.id(ANN)}):
            async with aiohttp.ClientSession(shared.server.address, headers=headers) as session:
                for method, path in every_route():
                    async with session.request(method, path) as answer:
                        assert answer.status == 401 or path in OPEN, (method, path, headers)

    asyncio.run(scenario())


def test_a_header_that_names_another_user_than_the_token_is_refused(shared: Shared) -> None:
    async def scenario(ben: Client) -> None:
        for method, path in every_route():
            async with ben.http.request(method, path, headers={"Comfy-User": shared.id(ANN)}) as answer:
                assert answer.status == 403 or path in OPEN, (method, path)
        async with ben.http.get("/queue", headers={"Comfy-User": shared.id(BEN)}) as answer:
            assert answer.status == 200

    shared.speak(scenario, BEN)


def test_a_user_is_told_of_no_other(shared: Shared) -> None:
    async def scenario(ann: Client, root: Client) -> None:
        assert await ann.get("/users") == {"storage": "server", "users": {shared.id(ANN): ANN}}
        assert await root.get("/users") == {"storage": "server", "users": {shared.id(ROOT): ROOT}}

    shared.speak(scenario, ANN, ROOT)


def test_only_an_administrator_makes_accounts_and_stops_what_all_share(shared: Shared) -> None:
    async def scenario(root: Client, ann: Client) -> None:
        for path, body in (
            ("/users", {"username": "Eve"}),
            ("/free", {"free_memory": True}),
            ("/queue/pause", None),
            ("/queue/resume", None),
        ):
            status, told = await ann.post(path, body)
            assert status == 403, path
            assert "administrator" in told["error"]
        for path in ("/internal/logs", "/internal/logs/raw", "/metrics"):
            async with ann.http.get(path) as answer:
                assert answer.status == 403
            async with root.http.get(path) as answer:
                assert answer.status == 200
        name = f"Ann Lee {uuid.uuid4().hex}"
        async with root.http.post("/users", json={"username": name}) as answer:
            assert answer.status == 200
            id, token = await answer.json(), answer.headers["Heddle-Token"]
        assert id.startswith("Ann-Lee-")
        async with root.http.get("/users", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert await answer.json() == {"storage": "server", "users": {id: name}}
        assert (await root.post("/users", {"username": name.upper()}))[0] == 400
        assert (await root.post("/users", {"username": " "}))[0] == 400
        assert (await root.post("/queue/pause"))[0] == 200
        assert (await root.post("/queue/resume"))[0] == 200

    shared.speak(scenario, ROOT, ANN)


def test_on_no_route_does_one_user_reach_the_things_of_another(shared: Shared) -> None:
    async def scenario(ann: Client, ben: Client) -> None:
        async with ann.http.post("/userdata/secret.txt", data=ANNS) as answer:
            assert answer.status == 200
        assert (await ann.post("/settings/secret", ANNS))[0] == 200
        failed = await ann.submit(fail())
        await ann.ended(failed)
        running = await ann.submit(sleep(120))
        await runs(ann, running)
        waiting = await ann.submit(sleep(0))
        before = await everything(ann, failed, running, waiting)
        assert ANNS in json.dumps(before)
        for id in (failed, running, waiting):
            values = {"id": id, "file": "secret.txt", "dest": "mine.txt", "kind": "output", "user": shared.id(ANN)}
            ids = [failed, running, waiting]
            body = {"clear": True, "delete": ids, "prompt_id": id, "job_ids": ids, "front": True, "number": -1}
            for method, path in every_route(values):
                if path.endswith("/ws"):
                    continue
                async with ben.http.request(method, path, json=body) as answer:
                    assert ANNS.encode() not in await answer.read(), (method, path)
            for path in (f"/userdata/..%2F{shared.id(ANN)}%2Fsecret.txt", f"/view?filename={shared.id(ANN)}"):
                async with ben.http.get(path) as answer:
                    assert ANNS.encode() not in await answer.read(), path
        assert (await ben.post("/interrupt"))[0] == 200
        assert await everything(ann, failed, running, waiting) == before
        assert (await ann.post("/interrupt"))[0] == 200
        await ann.ended(running)
        await ann.ended(waiting)

    shared.speak(scenario, ANN, BEN)


async def everything(client: Client, *ids: str) -> list[Any]:
    """All that a user has."""
    paths = ("/queue", "/history", "/prompt", "/queue/state", "/settings", "/userdata?dir=.", "/userdata/secret.txt")
    told: list[Any] = []
    for path in (*paths, *(f"/api/jobs/{id}" for id in ids)):
        async with client.http.get(path) as answer:
            told.append(await answer.text())
    return told


def test_what_one_user_clears_is_their_own(shared: Shared) -> None:
    async def scenario(root: Client, ann: Client, ben: Client) -> None:
        for client in (ann, ben):
            await client.ended(await client.submit(sleep(0)))
        assert (await root.post("/queue/pause"))[0] == 200
        mine, others = await ann.submit(sleep(0)), await ben.submit(sleep(0))
        assert (await ann.get("/prompt"))["exec_info"]["queue_remaining"] == 1
        assert (await root.get("/queue/state"))["jobs"]["waiting"] == 0
        for path in ("/queue", "/history"):
            assert (await ann.post(path, {"clear": True}))[0] == 200
        assert (await ann.get("/history")) == {}
        assert (await ann.get("/api/jobs?status=pending"))["pagination"]["total"] == 0
        assert [item[1] for item in (await ben.get("/queue"))["queue_pending"]] == [others]
        assert (await ben.post(f"/queue/{mine}/retry"))[0] == 409
        assert (await ben.post(f"/queue/{others}/move", {"front": True}))[0] == 200
        assert (await root.post("/queue/resume"))[0] == 200
        await ben.ended(others)
        assert len(await ben.get("/history")) >= 2

    shared.speak(scenario, ROOT, ANN, BEN)


def test_messages_reach_the_users_own_sockets_alone(shared: Shared) -> None:
    async def scenario(ann: Client, ben: Client) -> None:
        me = uuid.uuid4().hex
        async with ann.socket(me) as mine, ben.socket(uuid.uuid4().hex) as others:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await ben.http.ws_connect(f"/ws?clientId={me}")
            id = await ann.submit(sleep(0), client_id=me)
            seen = await mine.until_over(id)
            assert "execution_success" in [each["type"] for each in seen]
            nameless = await ann.submit(sleep(0))  # its progress goes to everybody who may know
            await ann.ended(nameless)
            await ben.post(f"/small/ben?sid={me}")
            foreign = await ben.submit(sleep(0), client_id=me)
            await ben.ended(foreign)
            after = await ann.submit(sleep(0), client_id=me)
            told = [*seen, *await mine.until_over(after)]
            assert foreign not in json.dumps(told)
            last = await ben.submit(sleep(0), client_id=me)
            await ben.ended(last)
            # Ben's socket has a number by now for each message that could have been his; the last is his own status.
            while (message := await others.next()) != status(0) or not await ben.get(f"/history/{last}"):
                assert not any(each in json.dumps(message) for each in (id, nameless, after))
        async with ben.http.ws_connect(f"/ws?clientId={me}&since=0") as late:
            first = [json.loads((await late.receive()).data) for _ in range(2)]
            assert [each["type"] for each in first] == ["status", "missed"]
            await late.send_json({"type": "feature_flags", "data": {}})
            told = []
            while not told or told[-1]["type"] != "feature_flags":
                told.append(json.loads((await late.receive()).data))
            assert not any(each in json.dumps(told) for each in (id, nameless, after))

    shared.speak(scenario, ANN, BEN)


def status(remaining: int) -> dict[str, Any]:
    return {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": remaining}}}}


def test_a_token_opens_by_login_and_by_the_address_of_a_websocket(shared: Shared) -> None:
    async def scenario() -> None:
        address, token = shared.server.address, shared.tokens[ANN]
        async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get("/login?token=nobody.nothing") as answer:
                assert answer.status == 401
            async with session.get(f"/login?token={token}") as answer:
                assert answer.status == 200
            async with session.get("/users") as answer:
                assert list((await answer.json())["users"]) == [shared.id(ANN)]
            other = {"Authorization": f"Bearer {shared.tokens[BEN]}"}  # what was sent on purpose counts
            async with session.get("/users", headers=other) as answer:
                assert list((await answer.json())["users"]) == [shared.id(BEN)]
        async with aiohttp.ClientSession(address) as session, session.ws_connect(f"/ws?token={token}") as socket:
            assert (await socket.receive_json())["type"] == "status"

    asyncio.run(scenario())


def test_an_account_that_goes_ends_what_was_open(shared: Shared) -> None:
    async def scenario() -> None:
        account, token = shared.accounts.add(uuid.uuid4().hex)
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(shared.server.address, headers=headers) as session:
            async with session.ws_connect("/ws") as socket:
                await socket.receive()
                renewed = shared.accounts.renew(account.name)
                async with asyncio.timeout(60):
                    while not socket.closed:
                        await socket.receive()
                assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
            async with session.get("/queue") as answer:
                assert answer.status == 401
            async with session.get("/queue", headers={"Authorization": f"Bearer {renewed}"}) as answer:
                assert answer.status == 200
            shared.accounts.remove(account.id)
            async with session.get("/queue", headers={"Authorization": f"Bearer {renewed}"}) as answer:
                assert answer.status == 401

    asyncio.run(scenario())


def test_of_a_token_only_a_hash_is_kept(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / DATABASE)
    first, token = accounts.add("Ann")
    second, _ = accounts.add("Ben")
    assert (first.is_admin, second.is_admin) == (True, False)
    assert accounts.of_token(token) == first
    for wrong in ("", ".", token[:-1], f"{token}x", token.replace(".", ""), f"{second.key}.{token.partition('.')[2]}"):
        assert accounts.of_token(wrong) is None, wrong
    kept = (tmp_path / DATABASE).read_bytes()
    assert token.partition(".")[2].encode() not in kept
    assert (tmp_path / DATABASE).stat().st_mode & 0o77 == 0
    assert [each.name for each in accounts.all()] == ["Ann", "Ben"]
    assert isinstance(accounts.remove("ann"), Account)
    assert accounts.of_token(token) is None
    accounts.close()


def test_accounts_are_managed_on_the_command_line(tmp_path: Path) -> None:
    def heddle(*arguments: str) -> tuple[int, list[str]]:
        done = CliRunner().invoke(main, ["user", *arguments, f"--config={tmp_path / config_file.NAME}"])
        return done.exit_code, done.output.splitlines()

    (tmp_path / config_file.NAME).write_text("multi-user = true\nuser-directory = 'people'\n")
    token = heddle("add", "Ann")[1][0]
    accounts = Accounts(tmp_path / "people" / DATABASE)
    ann = accounts.of_token(token)
    assert ann is not None
    assert ann.is_admin
    assert heddle("add", "ann") == (1, ["Error: a user called 'ann' exists: take another name"])
    assert heddle("add", "Ben", "--admin")[0] == 0
    assert heddle("list")[1][0] == f"Ann  {ann.id}  administrator"
    again = heddle("token", "Ann")[1][0]
    assert (accounts.of_token(token), accounts.of_token(again)) == (None, accounts.require("Ann"))
    assert heddle("remove", "Ann") == (0, [])
    assert heddle("token", "Ann") == (1, ["Error: no user is called 'Ann'; there are: Ben"])
    accounts.close()
