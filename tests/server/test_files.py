"""Files in and out (protocol, section 8), and what is kept for the user (section 10)."""

import io
import json
import uuid
from typing import Any

import aiohttp
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from yarl import URL

from tests.server.serving import Client, Server, speak


def png(color: tuple[int, ...], size: tuple[int, int] = (8, 6), **texts: str) -> bytes:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    made = io.BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", size, color).save(made, "png", pnginfo=info)
    return made.getvalue()


async def upload(client: Client, name: str, data: bytes, path: str = "/upload/image", **fields: str) -> Any:
    form = aiohttp.FormData()
    form.add_field("image", data, filename=name, content_type="image/png")
    for field, value in fields.items():
        form.add_field(field, value)
    async with client.http.post(path, data=form) as answer:
        return answer.status, await answer.json() if answer.status == 200 else await answer.text()


async def viewed(client: Client, **query: str) -> tuple[int, Any, bytes]:
    async with client.http.get("/view", params=query) as answer:
        return answer.status, answer.headers, await answer.read()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_an_upload_is_seen_again_and_never_replaces_another(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = f"{uuid.uuid4().hex}.png"
        red, blue = png((255, 0, 0)), png((0, 0, 255))
        stem = name.removesuffix(".png")
        assert await upload(client, name, red) == (200, {"name": name, "subfolder": "", "type": "input"})
        assert (await upload(client, name, red))[1]["name"] == name
        assert (await upload(client, name, blue))[1]["name"] == f"{stem} (1).png"
        assert (await upload(client, name, blue))[1]["name"] == f"{stem} (1).png"
        assert (await upload(client, name, blue, overwrite="true"))[1]["name"] == name
        assert (await viewed(client, filename=name, type="input"))[2] == blue
        assert (await viewed(client, filename=f"{name} [input]"))[2] == blue
        kept = await upload(client, name, red, subfolder="pasted/deep", type="temp")
        assert kept[1] == {"name": name, "subfolder": "pasted/deep", "type": "temp"}
        assert (await viewed(client, filename=name, type="temp", subfolder="pasted/deep"))[2] == red

    speak(server, scenario)


def test_a_picture_is_shown_smaller_and_by_its_channels(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = f"{uuid.uuid4().hex}.png"
        await upload(client, name, png((10, 20, 30, 128)))
        of = {"filename": name, "type": "input"}
        status, headers, data = await viewed(client, **of, preview="webp;60")
        assert (status, headers["Content-Type"], opened(data).format) == (200, "image/webp", "WEBP")
        assert opened((await viewed(client, **of, preview="jpeg", channel="rgb"))[2]).format == "JPEG"
        assert opened((await viewed(client, **of, preview="odd"))[2]).format == "WEBP"
        assert opened((await viewed(client, **of, channel="rgb"))[2]).getpixel((0, 0)) == (10, 20, 30)
        assert opened((await viewed(client, **of, channel="a"))[2]).getpixel((0, 0)) == (0, 0, 0, 128)
        _, headers, _ = await viewed(client, **of)
        async with client.http.get("/view", params=of, headers={"If-None-Match": headers["ETag"]}) as answer:
            assert answer.status == 304
        async with client.http.get("/view", params=of, headers={"Range": "bytes=0-3"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"\x89PNG")

    speak(server, scenario)


def test_a_mask_becomes_the_alpha_of_its_picture_whose_texts_stay(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = f"{uuid.uuid4().hex}.png"
        await upload(client, name, png((10, 20, 30), workflow="{}"))
        reference = json.dumps({"filename": name, "type": "input"})
        mask = png((0, 0, 0, 77))
        status, kept = await upload(
            client, "m.png", mask, "/upload/mask", original_ref=reference, subfolder="clipspace", type="input"
        )
        assert (status, kept["subfolder"]) == (200, "clipspace")
        where = {"filename": kept["name"], "type": "input", "subfolder": "clipspace"}
        masked = opened((await viewed(client, **where))[2])
        assert masked.getpixel((0, 0)) == (10, 20, 30, 77)
        assert masked.info["workflow"] == "{}"  # pyright: ignore[reportUnknownMemberType]
        gone = json.dumps({"filename": "nothing.png"})
        assert (await upload(client, "m.png", mask, "/upload/mask", original_ref=gone))[0] == 404
        assert (await upload(client, "m.png", mask, "/upload/mask"))[0] == 400
        assert (await upload(client, "m.png", b"no picture", "/upload/mask", original_ref=reference))[0] == 400

    speak(server, scenario)


def test_settings_are_kept(server: Server) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.post("/settings/Comfy.Odd", data=b"[1, true]"))[0] == 200
        assert (await client.post("/settings", {"Other": "x"}))[0] == 200
        assert await client.get("/settings/Comfy.Odd") == [1, True]
        assert await client.get("/settings/Nothing") is None
        settings = await client.get("/api/settings")
        assert (settings["Comfy.Odd"], settings["Other"]) == ([1, True], "x")
        assert (await client.post("/settings/Bad", data=b"{"))[0] == 400

    speak(server, scenario)


def test_workflows_are_kept_listed_moved_and_deleted(server: Server) -> None:
    async def scenario(client: Client) -> None:
        folder = uuid.uuid4().hex
        first, second = f"/userdata/{folder}%2Fa.json", f"{folder}%2Fb.json"

        async def post(path: str, body: bytes = b"") -> tuple[int, Any]:
            async with client.http.post(URL(server.address + path, encoded=True), data=body) as answer:
                return answer.status, await answer.json() if answer.status == 200 else None

        status, told = await post(f"{first}?full_info=true", b'{"n":1}')
        assert (status, told["path"], told["size"]) == (200, f"{folder}/a.json", 7)
        assert isinstance(told["modified"], int)
        assert (await post(f"{first}?overwrite=false", b"x"))[0] == 409
        assert await client.get("/userdata", dir=folder) == ["a.json"]
        assert (await client.get("/userdata", dir=folder, full_info="true"))[0]["path"] == "a.json"
        assert await client.get("/userdata", dir=folder, split="true", recurse="true") == [["a.json", "a.json"]]
        assert (await post(f"{first}/move/{second}"))[1] == f"{folder}/b.json"
        assert (await post(f"{first}/move/{second}"))[0] == 404
        tree = await client.get("/v2/userdata", path=folder)
        assert [(each["path"], each["type"]) for each in tree] == [(f"{folder}/b.json", "file")]
        url = URL(f"{server.address}/userdata/{second}", encoded=True)
        async with client.http.get(url) as answer:
            assert await answer.read() == b'{"n":1}'
        async with client.http.delete(url) as answer:
            assert answer.status == 204
        async with client.http.delete(url) as answer:
            assert answer.status == 404
        for query, expected in (({}, 400), ({"dir": "../x"}, 403), ({"dir": "none"}, 404)):
            async with client.http.get("/userdata", params=query) as answer:
                assert answer.status == expected

    speak(server, scenario)


def test_what_surrounds_the_canvas_is_there(server: Server) -> None:
    async def scenario(client: Client) -> None:
        types = await client.get("/object_info")
        assert {"KSampler", "Sleep"} <= types.keys()
        assert all({"name", "input", "category", "python_module"} <= entry.keys() for entry in types.values())
        assert list(await client.get("/object_info/Sleep")) == ["Sleep"]
        assert await client.get("/object_info/None") == {}
        stats = await client.get("/system_stats")
        assert stats["system"]["ram_total"] > 0
        assert [device["type"] for device in stats["devices"]] == ["cpu"]
        assert await client.get("/users") | {"migrated": True} == {"storage": "server", "migrated": True}
        assert await client.get("/extensions") == ["/extensions/small/small.js"]
        async with client.http.get("/extensions/small/small.js") as answer:
            assert (answer.content_type, await answer.text()) == ("text/javascript", "export default 1\n")
        assert "heddle-scenes.safetensors" in await client.get("/models/checkpoints")
        assert (await client.get("/models"))[0] == "checkpoints"
        described = await client.get("/experiment/models/checkpoints")
        assert described[0]["name"] == "heddle-scenes.safetensors"
        assert described[0]["size"] > 10**7
        metadata = {"filename": "heddle-scenes.safetensors"}
        async with client.http.get("/view_metadata/checkpoints", params=metadata) as answer:
            assert answer.status in (200, 404)
        for path in ("/models/unet", "/experiment/models/configs", "/nothing", "/api/nothing", "/assets/x.js"):
            async with client.http.get(path) as answer:
                assert answer.status == 404
        async with client.http.get("/interrupt") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with client.http.options("/nothing/at/all") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        assert await client.get("/i18n") == {}
        assert isinstance((await client.get("/internal/logs/raw"))["entries"], list)
        assert "checkpoints" in await client.get("/internal/folder_paths")
        assert isinstance(await client.get("/internal/files/output"), list)
        async with client.http.get("/internal/files/secrets") as answer:
            assert answer.status == 400
        async with client.http.get("/") as answer:
            assert (answer.status, answer.headers["Pragma"]) == (200, "no-cache")

    speak(server, scenario)
