"""The description of the routes: valid, complete, and true of what a server answers and sends."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jsonschema
import openapi_spec_validator

from engine import __version__
from engine.server.guard import Guard
from engine.server.openapi_route import description
from engine.server.paths import PREFIX
from engine.server.web_app import all_routes
from tests.server.conformance.asking import node, picture, sleep, watched
from tests.server.serving import Client, Server, serving, speak

SPEC: Mapping[str, Any] = json.loads(description())
UNDESCRIBED = {
    ("GET", "/"): "the first page of whatever frontend was chosen",
    ("*", "/{path}"): "what packs answer, and the files of the frontend",
}


def described() -> set[tuple[str, str]]:
    methods = ("get", "put", "post", "delete", "patch")
    return {(each.upper(), path) for path, item in SPEC["paths"].items() for each in item if each in methods}


def registered() -> set[tuple[str, str]]:
    routes = all_routes(Guard())
    return {(route.method, re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)) for route in routes}


def test_the_description_is_valid() -> None:
    openapi_spec_validator.validate(cast("Any", SPEC))
    assert SPEC["info"]["version"] == __version__


def test_every_route_is_described_and_every_description_has_its_route() -> None:
    known, told = registered(), described()
    assert told - known == set()
    # A route of both kinds is told of once, with its prefix.
    assert {(method, path) for method, path in known - told if (method, PREFIX + path) not in told} == set(UNDESCRIBED)
    assert all((method, path.removeprefix(PREFIX)) in known for method, path in told if "/jobs" not in path)


def test_every_message_of_the_websocket_is_described(server: Server) -> None:
    messages = {"$ref": "#/components/schemas/SocketMessage", "components": SPEC["components"]}
    described = jsonschema.Draft202012Validator(messages)
    told: set[str] = set()

    def check(*frames: dict[str, Any]) -> None:
        for frame in frames:
            if isinstance(frame["type"], str):
                told.add(frame["type"])
                described.validate(frame)

    async def scenario(client: Client) -> None:
        for prompt in (picture(9, "openapi"), {"f": node("Fail", msg="described")}):
            check(*(await watched(client, prompt)).frames)
        async with client.socket(uuid.uuid4().hex, "&since=0") as socket:
            check(await socket.next())
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            await socket.connection.send_json({"type": "feature_flags", "data": {}})
            id = await client.submit(sleep(60), client_id=me)
            while (frame := await socket.next())["type"] != "executing":
                check(frame)
            await client.post("/interrupt", {"prompt_id": id})
            check(*await socket.until_over(id))

    speak(server, scenario)
    schemas = SPEC["components"]["schemas"]
    kinds = [each["$ref"].rpartition("/")[2] for each in schemas["SocketMessage"]["oneOf"]]
    assert told == {schemas[kind]["properties"]["type"]["const"] for kind in kinds} - {"logs", "progress"}


def test_a_server_answers_as_it_is_described(tmp_path: Path) -> None:
    """Requests made from the description, right and wrong: none fails, none is answered in an undescribed way."""
    arguments = ["--phases=examples,coverage,fuzzing,stateful", "--max-examples=5", "--seed=1", "--max-redirects=0"]
    arguments += ["--exclude-operation-id=openSocket", "--generation-database=none", "--no-color", "--warnings=off"]
    checks = ("not_a_server_error", "status_code_conformance", "content_type_conformance")
    checks += ("response_headers_conformance", "response_schema_conformance", "unsupported_method")
    with serving(tmp_path) as server:
        run = subprocess.run(
            ["schemathesis", "run", f"{server.address}/openapi.json", *arguments, f"--checks={','.join(checks)}"],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout.decode(errors="replace")[-20_000:]
    assert run.stderr == b""
