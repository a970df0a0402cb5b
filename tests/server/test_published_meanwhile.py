"""A file that gets its name while it is looked at is shown all the same."""

import asyncio
from pathlib import Path

import pytest

from engine.server.paths import read_found
from tests.server.serving import Client, Server, speak


def test_a_picture_is_shown_from_the_moment_that_it_is_told_of(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.socket("meanwhile") as socket:
            prompt = {
                "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 77}},
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "meanwhile"}},
                "3": {"class_type": "Sleep", "inputs": {"seconds": 0.5}},
            }
            await client.submit(prompt, client_id="meanwhile")
            while (message := await socket.next())["type"] != "executed" or message["data"]["node"] != "2":
                pass
            (image,) = message["data"]["output"]["images"]
            for more in ({}, {"preview": "webp"}, {"channel": "rgb"}) * 20:  # through the end of the job
                async with client.http.get("/view", params={**image, **more}) as answer:
                    assert answer.status == 200, (more, await answer.text())
                    assert answer.content_type == ("image/webp" if "preview" in more else "image/png")

    speak(server, scenario)


def test_a_file_that_is_published_before_it_is_read_is_looked_for_once_more(tmp_path: Path) -> None:
    staged, published = tmp_path / "staged.png", tmp_path / "published.png"
    staged.write_text("a picture")

    def find() -> Path:
        return staged if staged.exists() else published

    def read(path: Path) -> str:
        if path == staged:
            staged.rename(published)
        return path.read_text()

    assert asyncio.run(read_found(find, read)) == "a picture"


def test_a_file_that_is_there_and_cannot_be_read_is_not_read_twice(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    read: list[Path] = []

    def fail(path: Path) -> None:
        read.append(path)
        raise ValueError("this is no picture")

    with pytest.raises(ValueError, match="no picture"):
        asyncio.run(read_found(lambda: broken, fail))
    assert read == [broken]
