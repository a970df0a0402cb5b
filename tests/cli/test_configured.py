"""Flags, environment, file, defaults: which of them counts, and what is said of a file that cannot be meant."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from engine.__main__ import main
from engine.cli import options
from engine.cli.configured import Configured, variable
from engine.cli.options import arguments
from engine.cli.worker import command as worker
from engine.settings import CachePolicy, Settings
from engine.weights.extra_folders import ExtraFolder

Run = Callable[..., str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and nobody's settings."""
    monkeypatch.delenv("HEDDLE_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def shown(*said: str, code: int = 0, **environment: str) -> str:
    """What `heddle serve --show-config` prints."""
    ran = CliRunner().invoke(main, ["serve", "--show-config", *said], env=dict(environment))
    assert ran.exit_code == code, ran.output
    return ran.output


def line(text: str, name: str) -> str:
    """The line of one setting, its spaces made one."""
    return next(" ".join(each.split()) for each in text.splitlines() if each.lstrip("# ").startswith(f"{name} "))


def test_flags_count_before_the_environment_before_the_file_before_defaults(here: Path) -> None:
    (here / "heddle.toml").write_text("port = 1\nretries = 1\nkeep = 1\n")
    text = shown("--port=3", HEDDLE_PORT="2", HEDDLE_RETRIES="2", HEDDLE_ALLOW_HOST="a.example b.example")
    assert line(text, "port") == "port = 3 # the command line"
    assert line(text, "retries") == "retries = 2 # the environment (HEDDLE_RETRIES)"
    assert line(text, "keep") == f"keep = 1 # {here / 'heddle.toml'}"
    assert line(text, "hang-after") == "hang-after = 60.0 # default"
    assert line(text, "keep-days") == "# keep-days is not set # default"
    assert line(text, "allow-host").startswith('allow-host = ["a.example", "b.example"]')


def test_what_is_shown_can_be_a_file(here: Path) -> None:
    (here / "first.toml").write_text('allow-host = ["ä\\""]\nkeep-days = 1.5\nallow-pickle = true\ncache = "lru:3"\n')
    first = shown("--config=first.toml", "--frontend=.")
    (here / "again.toml").write_text(first)
    again = shown("--config=again.toml")
    assert [each.split("  #")[0].rstrip() for each in again.splitlines()] == [
        each.split("  #")[0].rstrip().replace('"."', f'"{here}"') for each in first.splitlines()
    ]


def test_a_file_is_looked_for_in_the_base_directory_then_with_the_user(here: Path) -> None:
    mine = here.parent / "mine" / "heddle" / "heddle.toml"
    mine.parent.mkdir(parents=True)
    mine.write_text("port = 1")
    assert line(shown(), "port") == f"port = 1 # {mine}"
    (here / "heddle.toml").write_text("port = 2")
    assert line(shown(), "port").startswith("port = 2")
    (here.parent / "base").mkdir()
    (here.parent / "base" / "heddle.toml").write_text("port = 3")
    assert line(shown(HEDDLE_BASE_DIRECTORY="../base"), "port").startswith("port = 3")
    (here / "other.toml").write_text("port = 4")
    assert line(shown("--base-directory=../base", HEDDLE_CONFIG="other.toml"), "port").startswith("port = 4")


def test_paths_of_a_file_begin_where_it_lies(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "c.toml").write_text('models = "weights"\ninput-directory = "~/in"\nbase-directory = "/srv"\n')
    text = shown("--config=sub/c.toml")
    assert f'"{here / "sub" / "weights"}"' in line(text, "models")
    assert f'"{Path("~/in").expanduser()}"' in line(text, "input-directory")
    assert '"/srv"' in line(text, "base-directory")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1", "there is no setting 'prot'; close: 'port'"),
        ("allow_host = []", "there is no setting 'allow_host'; close: 'allow-host'"),
        ("set = []", "there is no setting 'set'"),
        ("[serve]\nport = 1", "there is no setting 'serve': settings stand at the top of the file"),
        ('port = "1"', "port: wanted is a whole number; it is '1'"),
        ("port = true", "port: wanted is a whole number; it is True"),
        ('debug = "yes"', "debug: wanted is true or false"),
        ('hang-after = "1"', "hang-after: wanted is a number"),
        ("token = 1", "token: wanted is a text"),
        ('allow-host = "a"', "allow-host: wanted is a list"),
        ("allow-host = [1]", "allow-host: wanted is a list"),
        ("port = 70000", "Invalid value for 'port' in bad.toml: 70000 is not in the range"),
        ('precision = "fp12"', "Invalid value for 'precision' in bad.toml"),
        ('cache = "lru:x"', "Invalid value for 'cache' in bad.toml: cache 'lru:x': write lru:20"),
        ("port = ", "bad.toml: is no TOML"),
        ("a = '\ud800'", "bad.toml: is no TOML"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_by_file_key_and_what_is_right(here: Path, text: str, told: str) -> None:
    (here / "bad.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    said = shown("--config=bad.toml", code=2)
    assert told in said
    assert "bad.toml" in said


def test_a_bad_value_of_the_environment_names_its_variable(here: Path) -> None:
    assert "'port' in the environment (HEDDLE_PORT)" in shown(code=2, HEDDLE_PORT="many")


def test_help_is_shown_beside_a_broken_file(here: Path) -> None:
    (here / "heddle.toml").write_text("what")
    assert CliRunner().invoke(main, ["serve", "--help"]).exit_code == 0


def test_other_commands_take_the_shared_settings_and_pass_over_the_server_s(here: Path) -> None:
    (here / "heddle.toml").write_text('port = 1\ncustom-nodes = "none"\n')
    assert CliRunner().invoke(main, ["nodes", "EmptyImage"]).exit_code == 0
    (here / "heddle.toml").write_text("port = 1\ncustom-nodes = 5\n")
    assert "custom-nodes: wanted is a text" in CliRunner().invoke(main, ["nodes", "EmptyImage"]).output


def test_every_setting_goes_by_the_name_of_its_option() -> None:
    assert isinstance(main, click.Group)
    for command in (main.commands["serve"], main.commands["run"]):
        assert isinstance(command, Configured)
        for option in command.settings():
            name = max(option.opts, key=len).lstrip("-").replace("-", "_")
            assert variable(option) == f"HEDDLE_{name.upper()}"
            assert option.name in (name, "wants_json")


def test_a_worker_gets_what_was_settled_and_looks_nowhere_else(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled = Settings(
        base=here,
        models=here / "m",
        device="cpu",
        precision="bf16",
        attention="split",
        cache=CachePolicy("lru", 3),
        preview_size=100,
        download_annotators=True,
        load_packs=False,
        packs_anyway=("one", "two"),
        extra_folders=(ExtraFolder("loras", here / "a b", True), ExtraFolder("vae", here / "ü")),
    )
    (here / "extra_model_paths.yaml").write_text("a:\n  gligen: .\n")
    (here / "heddle.toml").write_text('allow-pickle = true\npreview-method = "none"\nprecision = "fp16"\n')
    assert isinstance(main, click.Group)
    serve = main.commands["serve"]
    assert isinstance(serve, Configured)
    for option in serve.settings():
        monkeypatch.setenv(variable(option), "fp32" if option.name == "precision" else "1")
    told = worker.make_context("worker", arguments(settled), parent=click.Context(main)).params
    made = options.settings(told)
    folders = ("models", "input", "output", "temp", "user", "custom_nodes")
    assert [made.folder(name) for name in folders] == [settled.folder(name) for name in folders]
    assert {**vars(made), **dict.fromkeys(folders)} == {**vars(settled), **dict.fromkeys(folders)}


def test_the_token_is_never_shown(here: Path) -> None:
    (here / "token").write_text("from-a-file\n")
    text = shown("--token-file=token", HEDDLE_TOKEN="the-secret")
    assert "the-secret" not in text
    assert "from-a-file" not in text
    assert line(text, "token") == 'token = "(hidden)" # the environment (HEDDLE_TOKEN)'


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (("--token=a", "--token-file=token"), "say --token or --token-file, not both"),
        (("--token=",), "a token is one word"),
        (("--token-file=empty",), "a token is one word"),
        (("--token-file=binary",), "cannot be read"),
    ],
)
def test_a_token_that_cannot_be_meant_is_refused(here: Path, said: tuple[str, ...], told: str) -> None:
    (here / "token").write_text("a\n")
    (here / "empty").write_text("\n")
    (here / "binary").write_bytes(b"\xff\xfe")
    ran = CliRunner().invoke(main, ["serve", "--port=0", *said])
    assert ran.exit_code == 2
    assert told in ran.output
