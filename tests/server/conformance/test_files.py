"""Files in and out (protocol, sections 8.1 to 8.3, 3 and 12): each check by its status, and what clients read."""

import io
import json
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.server.conformance.asking import node, picture, status_of, watched
from tests.server.serving import Client, Server, speak
from tests.server.test_files import opened, png, upload, viewed


def new(suffix: str = ".png") -> str:
    return f"{uuid.uuid4().hex}{suffix}"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404),
        ({"filename": ""}, 400),
        ({"filename": "/etc/passwd"}, 400),
        ({"filename": "../x.png"}, 400),
        ({"filename": "x..png"}, 400),
        ({"filename": "x.png", "type": "secret"}, 400),
        ({"filename": "x.png", "subfolder": "../.."}, 403),
        ({"filename": "x.png", "subfolder": "/etc"}, 403),
        ({"filename": "nothing.png"}, 404),
        ({"filename": "nothing.png", "subfolder": "none"}, 404),
    ],
    ids=lambda value: str(value),
)
def test_what_is_not_shown(server: Server, query: dict[str, str], status: int) -> None:
    async def scenario(client: Client) -> None:
        assert await status_of(client, "GET", "/view", params=query) == status

    speak(server, scenario)


def test_a_file_as_it_is(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name, data = new(), png((1, 2, 3))
        await upload(client, name, data)
        extra = {"rand": "0.5", "t": "1", "display_name": "x", "id": "7", "workspace_id": "w"}
        for query in (
            {"filename": name, "type": "input", **extra},
            {"filename": f"{name} [input]", "type": "output"},  # the suffix wins
            {"filename": f"some/where/{name}", "type": "input"},  # only the last part of a name counts
            {"filename": name, "type": "input", "channel": "odd"},
            {"filename": name, "type": "input", "channel": "rgba"},
        ):
            status, headers, body = await viewed(client, **query)
            assert (status, body, headers["Content-Type"]) == (200, data, "image/png")
            assert headers["Content-Disposition"] == f'filename="{name}"'
            assert headers["ETag"]
            assert headers["Last-Modified"]
            assert headers["Accept-Ranges"] == "bytes"
            assert "Cache-Control" not in headers
        assert await status_of(client, "HEAD", f"/view?filename={name}&type=input") == 200

    speak(server, scenario)


@pytest.mark.parametrize(
    ("suffix", "type"), [(".txt", "text/plain"), (".bin", "application/octet-stream"), (".mp4", "video/mp4")]
)
def test_other_files(server: Server, suffix: str, type: str) -> None:
    async def scenario(client: Client) -> None:
        name = (await upload(client, new(suffix), b"some bytes"))[1]["name"]
        status, headers, body = await viewed(client, filename=name, type="input")
        assert (status, body) == (200, b"some bytes")
        assert headers["Content-Type"].startswith(type)

    speak(server, scenario)


def test_previews_and_channels(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = new()
        await upload(client, name, png((10, 200, 30, 90), (20, 10)))
        of = {"filename": name, "type": "input"}

        async def shown(**query: str) -> Image.Image:
            status, headers, body = await viewed(client, **of, **query)
            assert status == 200
            image = opened(body)
            assert headers["Content-Type"] == f"image/{str(image.format).lower()}"
            return image

        assert (await shown(preview="webp")).format == "WEBP"
        assert (await shown(preview="jpeg")).format == "WEBP"  # the alpha would be lost
        jpeg = await shown(preview="jpeg;80", channel="rgb")
        assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", (20, 10))
        assert (await shown(preview="tiff;x")).format == "WEBP"
        rgb = await shown(channel="rgb")
        assert (rgb.format, rgb.mode, rgb.getpixel((0, 0))) == ("PNG", "RGB", (10, 200, 30))
        alpha = await shown(channel="a")
        assert (alpha.mode, alpha.getpixel((0, 0))) == ("RGBA", (0, 0, 0, 90))
        opaque = new()
        await upload(client, opaque, png((1, 2, 3)))
        of["filename"] = opaque
        assert (await shown(channel="a")).getpixel((0, 0)) == (0, 0, 0, 255)

    speak(server, scenario)


def test_what_is_no_picture_is_shown_as_it_is_alone(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = (await upload(client, new(), b"not a picture"))[1]["name"]
        of = {"filename": name, "type": "input"}
        assert (await viewed(client, **of))[0] == 200
        for query in ({"preview": "webp"}, {"channel": "rgb"}, {"channel": "a"}):
            assert (await viewed(client, **of, **query))[0] == 422

    speak(server, scenario)


def test_an_upload_answers_with_where_it_is(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = new()
        for type in ("input", "output", "temp"):
            status, told = await upload(client, name, png((9, 9, 9)), type=type, subfolder="deep/er")
            assert (status, told) == (200, {"name": name, "subfolder": "deep/er", "type": type})
            assert (server.base / type / "deep" / "er" / name).is_file()
        for more, expected in (({"type": "odd"}, 400), ({"subfolder": "../.."}, 400)):
            assert (await upload(client, name, b"x", **more))[0] == expected
        for overwrite, kept in (("false", f"{Path(name).stem} (1).png"), ("1", name), ("true", name)):
            told = (await upload(client, name, png((1, 0, 0)), subfolder="deep/er", overwrite=overwrite))[1]
            assert told["name"] == kept
        plain = await upload(client, new(".txt"), b"any file will do")
        assert plain[0] == 200

    speak(server, scenario)


def test_uploads_without_a_file_are_refused(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def sent(form: Any) -> int:
            return await status_of(client, "POST", "/upload/image", data=form)

        nothing = aiohttp.FormData(default_to_multipart=True)
        nothing.add_field("type", "input")
        assert await sent(nothing) == 400
        text = aiohttp.FormData(default_to_multipart=True)
        text.add_field("image", "only a text")
        assert await sent(text) == 400
        assert await sent({"image": "x"}) == 400
        assert await sent(b"") == 400

    speak(server, scenario)


def test_an_upload_is_an_input_of_a_prompt(server: Server) -> None:
    async def scenario(client: Client) -> None:
        _, told = await upload(client, new(), png((200, 100, 50)), subfolder="pasted")
        prompt = {
            "1": node("LoadImage", image=f"{told['subfolder']}/{told['name']}"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="again"),
        }
        run = await watched(client, prompt)
        (image,) = run.entry["outputs"]["2"]["images"]
        assert opened((await viewed(client, **image))[2]).getpixel((0, 0)) == (200, 100, 50)
        status, answer = await client.post("/prompt", {"prompt": {**prompt, "1": node("LoadImage", image="gone.png")}})
        (found,) = answer["node_errors"]["1"]["errors"]
        assert (status, found["type"]) == (400, "custom_validation_failed")
        assert "invalid image file" in found["details"].lower()  # what frontends show as a missing picture

    speak(server, scenario)


def test_masks(server: Server) -> None:
    async def scenario(client: Client) -> None:
        name = new()
        await upload(client, name, png((5, 6, 7), workflow='{"a":1}', prompt="{}"), type="output")
        mask = png((0, 0, 0, 33))
        for reference in ({"filename": name}, {"filename": f"{name} [output]", "type": "input"}):
            status, told = await upload(
                client,
                new(),
                mask,
                "/upload/mask",
                original_ref=json.dumps(reference),
                type="input",
                subfolder="clipspace",
            )
            assert (status, told["subfolder"], told["type"]) == (200, "clipspace", "input")
            made = opened((await viewed(client, filename=told["name"], type="input", subfolder="clipspace"))[2])
            assert (made.mode, made.getpixel((0, 0))) == ("RGBA", (5, 6, 7, 33))
            assert (made.info["workflow"], made.info["prompt"]) == ('{"a":1}', "{}")  # pyright: ignore[reportUnknownMemberType]
        for reference, expected in (('{"filename": "gone.png"}', 404), ("{", 400), ("{}", 400), ("[]", 400)):
            assert (await upload(client, new(), mask, "/upload/mask", original_ref=reference))[0] == expected

    speak(server, scenario)


def test_names_and_texts_of_saved_pictures(server: Server) -> None:
    async def scenario(client: Client) -> None:
        workflow = {"nodes": [], "name": "Übung"}
        prefix = f"{uuid.uuid4().hex}/batch %width%x%height%"
        prompt = picture(77, prefix)
        prompt["1"]["inputs"]["batch_size"] = 2
        run = await watched(client, prompt, extra_data={"extra_pnginfo": {"workflow": workflow, "own": [1]}})
        images = run.entry["outputs"]["2"]["images"]
        assert [image["filename"] for image in images] == ["batch 8x8_00001_.png", "batch 8x8_00002_.png"]
        assert images[0]["subfolder"] == prefix.partition("/")[0]
        data = (await viewed(client, **images[0]))[2]
        text = opened(data).text  # pyright: ignore[reportAttributeAccessIssue]
        assert list(text) == ["prompt", "workflow", "own"]
        assert (json.loads(text["prompt"]), json.loads(text["workflow"])) == (prompt, workflow)
        assert text["workflow"].isascii()
        assert data.index(b"tEXt") < data.index(b"IDAT")
        again = await watched(client, {**prompt, "1": node("EmptyImage", width=8, height=8, batch_size=1, color=78)})
        assert [image["filename"] for image in again.entry["outputs"]["2"]["images"]] == ["batch 8x8_00003_.png"]

    speak(server, scenario)


def test_a_name_that_leads_out_of_the_outputs_fails_the_node(server: Server) -> None:
    async def scenario(client: Client) -> None:
        run = await watched(client, picture(1, "../../outside"))
        assert run.one("execution_error")["node_id"] == "2"
        assert not list(server.base.parent.glob("outside*"))

    speak(server, scenario)


def test_a_picture_sent_over_the_socket_alone(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "1": node("EmptyImage", width=12, height=6, batch_size=2, color=255),
            "2": node("SaveImageWebsocket", images=["1", 0]),
        }
        run = await watched(client, prompt)
        frames = run.all(1)
        assert [frame[:4] for frame in frames] == [b"\0\0\0\2"] * 2  # PNG
        shown = Image.open(io.BytesIO(frames[0][4:]))
        assert (shown.format, shown.size, shown.getpixel((0, 0))) == ("PNG", (12, 6), (0, 0, 255))
        assert [(told["value"], told["max"]) for told in run.all("progress")] == [(0, 2), (1, 2)]

    speak(server, scenario)
