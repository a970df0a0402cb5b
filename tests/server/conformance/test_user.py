"""Settings, users and their files (protocol, section 10)."""

import uuid
from typing import Any
from urllib.parse import quote

from yarl import URL

from tests.server.conformance.asking import status_of
from tests.server.serving import Client, Server, speak


class Files:
    """The routes of userdata; a name is one segment of the path."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, method: str, name: str, query: str = "", **more: Any) -> tuple[int, Any, Any]:
        """The status, the body, and the headers."""
        encoded = "/move/".join(quote(part, safe="") for part in name.split(" -> "))
        url = URL(f"/userdata/{encoded}{query}", encoded=True)
        async with self.client.http.request(method, url, **more) as answer:
            is_json = answer.content_type == "application/json" and method == "POST"
            return answer.status, await answer.json() if is_json else await answer.read(), answer.headers

    async def put(self, name: str, data: bytes, query: str = "") -> tuple[int, Any]:
        """Keep a file as frontends do."""
        headers = {"Content-Type": "text/plain"}
        status, body, _ = await self.ask("POST", name, query, data=data, headers=headers)
        return status, body


def test_settings(server: Server) -> None:
    async def scenario(client: Client) -> None:
        id = f"Test.{uuid.uuid4().hex}"
        assert await client.get(f"/settings/{id}") is None
        for body, value in ((b"true", True), (b'"x"', "x"), (b"null", None), (b'{"a": [1.5]}', {"a": [1.5]})):
            async with client.http.post(f"/settings/{id}", data=body, headers={"Content-Type": "text/plain"}) as answer:
                assert (answer.status, await answer.read()) == (200, b"")
            assert await client.get(f"/settings/{id}") == value
        assert (await client.post("/settings", {f"{id}.a": 1, f"{id}.b": 2})) == (200, "")
        settings = await client.get("/settings")
        assert (settings[f"{id}.a"], settings[f"{id}.b"], settings[id]) == (1, 2, {"a": [1.5]})
        assert (server.base / "user" / "default" / "comfy.settings.json").is_file()
        for body in (b"{", b"", b"[1]"):
            assert await status_of(client, "POST", "/settings", data=body) == 400

    speak(server, scenario)


def test_there_is_one_user(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/settings", {"any": 1})
        assert await client.get("/users") == {"storage": "server", "migrated": True}
        async with client.http.get("/settings", headers={"Comfy-User": ""}) as answer:
            assert answer.status == 200

    speak(server, scenario)


def test_files_are_kept_read_and_deleted(server: Server) -> None:
    async def scenario(client: Client) -> None:
        files, folder = Files(client), f"workflows/{uuid.uuid4().hex}"
        name = f"{folder}/deep/ä b.json"
        assert await files.put(name, b'{"a":1}') == (200, name)
        status, told = await files.put(name, b'{"a":22}', "?full_info=true")
        assert (status, set(told)) == (200, {"path", "size", "modified", "created"})
        assert (told["path"], told["size"]) == (name, 8)
        assert isinstance(told["modified"], int)
        assert (await files.put(name, b"other", "?overwrite=false"))[0] == 409
        status, body, headers = await files.ask("GET", name)
        assert (status, body) == (200, b'{"a":22}')
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment")
        assert (await files.ask("GET", f"{folder}/none.json"))[0] == 404
        assert (await files.ask("DELETE", name))[:2] == (204, b"")
        assert (await files.ask("DELETE", name))[0] == 404
        for method in ("GET", "POST", "DELETE"):
            assert (await files.ask(method, "../../secret.txt"))[0] in (400, 403)

    speak(server, scenario)


def test_the_users_styles_are_a_style_sheet(server: Server) -> None:
    async def scenario(client: Client) -> None:
        files = Files(client)
        await files.put("user.css", b"a { color: red }")
        _, body, headers = await files.ask("GET", "user.css")
        assert (body, headers["Content-Type"].partition(";")[0]) == (b"a { color: red }", "text/css")
        assert "attachment" not in headers.get("Content-Disposition", "")

    speak(server, scenario)


def test_files_are_listed_in_each_form(server: Server) -> None:
    async def scenario(client: Client) -> None:
        files, folder = Files(client), uuid.uuid4().hex
        for name in ("b.json", "a.json", "sub/c.json"):
            await files.put(f"{folder}/{name}", b"[]")

        async def listed(**query: str) -> Any:
            return await client.get("/userdata", dir=folder, **query)

        assert await listed() == ["a.json", "b.json"]
        assert await listed(recurse="true") == ["a.json", "b.json", "sub/c.json"]
        split = await listed(recurse="true", split="true")
        assert split == [["a.json", "a.json"], ["b.json", "b.json"], ["sub/c.json", "sub", "c.json"]]
        told = await listed(recurse="true", full_info="true")
        assert [entry["path"] for entry in told] == ["a.json", "b.json", "sub/c.json"]
        assert {(entry["size"], type(entry["modified"]), type(entry["created"])) for entry in told} == {(2, int, int)}
        assert await client.get("/userdata", dir=f"{folder}/sub/") == ["c.json"]
        for query, expected in (("", 400), ("dir=", 400), ("dir=../..", 403), ("dir=none", 404)):
            assert await status_of(client, "GET", f"/userdata?{query}") == expected

    speak(server, scenario)


def test_files_are_moved(server: Server) -> None:
    async def scenario(client: Client) -> None:
        files, folder = Files(client), uuid.uuid4().hex
        one, two = f"{folder}/one.json", f"{folder}/new/two.json"
        await files.put(one, b"1")
        assert (await files.ask("POST", f"{one} -> {two}"))[:2] == (200, two)
        assert (await files.ask("POST", f"{one} -> {two}"))[0] == 404
        await files.put(one, b"22")
        assert (await files.ask("POST", f"{one} -> {two}", "?overwrite=false"))[0] == 409
        status, told, _ = await files.ask("POST", f"{one} -> {two}", "?full_info=true")
        assert (status, told["path"], told["size"]) == (200, two, 2)
        assert (await files.ask("POST", f"{two} -> ../../outside.json"))[0] in (400, 403)

    speak(server, scenario)


def test_the_tree_of_files(server: Server) -> None:
    async def scenario(client: Client) -> None:
        files, folder = Files(client), uuid.uuid4().hex
        for name in ("z.json", "b/y.json", "a/x.json"):
            await files.put(f"{folder}/{name}", b"{}")
        tree = await client.get("/v2/userdata", path=folder)
        assert [(entry["type"], entry["path"], entry["name"]) for entry in tree] == [
            ("directory", f"{folder}/a", "a"),
            ("directory", f"{folder}/b", "b"),
            ("file", f"{folder}/a/x.json", "x.json"),
            ("file", f"{folder}/b/y.json", "y.json"),
            ("file", f"{folder}/z.json", "z.json"),
        ]
        assert {"size", "modified"} <= set(tree[-1])
        assert [entry["path"] for entry in await client.get("/v2/userdata")].count(folder) == 1
        for path, expected in ((f"{folder}/none", 404), (f"{folder}/z.json", 400), ("../..", 403)):
            assert await status_of(client, "GET", "/v2/userdata", params={"path": path}) in (expected, 400)

    speak(server, scenario)
