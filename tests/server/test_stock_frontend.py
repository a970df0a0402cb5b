"""The stock frontend and what belongs to it, found in installed packages: here packages of small files."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.__main__ import main
from engine.server import installed
from tests.server.serving import Client, Server, serving, speak

FILES = {
    "comfyui_frontend_package/__init__.py": "raise ImportError('nobody need import this')",
    "comfyui_frontend_package/static/index.html": "the first page",
    "comfyui_frontend_package/static/assets/page.js": "export default 1",
    "comfyui_workflow_templates_json/__init__.py": "",
    "comfyui_workflow_templates_json/templates/index.json": "[]",
    "comfyui_workflow_templates_media_image/__init__.py": "",
    "comfyui_workflow_templates_media_image/templates/first-1.webp": "a picture",
    "comfyui_embedded_docs/__init__.py": "",
    "comfyui_embedded_docs/docs/KSampler/en.md": "# What it does",
}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_pages_templates_and_help_come_from_packages(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(client: Client) -> None:
        for path, text in {
            "/": "the first page",
            "/assets/page.js": "export default 1",
            "/templates/index.json": "[]",
            "/templates/first-1.webp": "a picture",
            "/docs/KSampler/en.md": "# What it does",
        }.items():
            async with client.http.get(path) as answer:
                assert (answer.status, await answer.text()) == (200, text), path
        for path, status in {
            "/templates/other.json": 404,
            "/templates": 404,
            "/docs/KSampler/xx.md": 404,
            "/docs/KSampler": 403,
            "/docs/..%2f..%2fcomfyui_embedded_docs%2f__init__.py": 403,
        }.items():
            async with client.http.get(path) as answer:
                assert answer.status == status, path

    monkeypatch.setenv("PYTHONPATH", str(packages), prepend=os.pathsep)
    with serving(tmp_path, "--frontend=stock", seconds=0) as server:
        speak(server, scenario)


def test_a_missing_frontend_is_told_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "FRONTEND", "a_frontend_that_nobody_has")
    result = CliRunner().invoke(main, ["serve", "--frontend", "stock"])
    assert result.exit_code == 2
    assert "stock-frontend" in result.output


def test_a_configuration_file_may_say_stock(tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(packages))
    (tmp_path / "mine.toml").write_text('frontend = "stock"')
    result = CliRunner().invoke(main, ["serve", "--show-config", f"--config={tmp_path}/mine.toml"])
    assert f'frontend = "{packages / "comfyui_frontend_package" / "static"}"' in result.output


def test_frontends_find_the_types_without_which_they_show_no_loaders(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.get("/object_info", headers={"Comfy-User": ""}) as answer:
            shown = await answer.json()
        told = await client.get("/object_info")
        added = shown.keys() - told.keys()
        assert {"GLIGENLoader", "ImageOnlyCheckpointLoader", "StyleModelLoader"} <= shown.keys()
        assert all(shown[each]["deprecated"] for each in added)
        assert {id: shown[id] for id in told} == told

    speak(server, scenario)
