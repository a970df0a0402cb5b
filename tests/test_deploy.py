"""What the page about services shows is understood by the program: commands, variables, settings."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from engine.__main__ import main
from engine.cli import config_file
from engine.cli.configured import Configured, variable

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
CONTAINER = (ROOT / "Containerfile").read_text("utf-8")
COMMANDS = main.commands


def configured(name: str) -> Configured:
    command = COMMANDS[name]
    assert isinstance(command, Configured)
    return command


def command_lines() -> list[str]:
    """Every call of heddle that the page and the container file make, after the name of the program."""
    joined = PAGE.replace("\\\n", " ")
    called = re.findall(r"(?<![\w-])(?:/opt/heddle/bin/heddle|`heddle) ((?:serve|backup)\b[^`\n]*)", joined)
    entry, (start,) = re.findall(r"^ENTRYPOINT (.*)", CONTAINER, re.M), re.findall(r"^CMD (.*)", CONTAINER, re.M)
    assert [json.loads(each) for each in entry] == [["heddle"]]
    return [*called, shlex.join(json.loads(start))]


@pytest.mark.parametrize("line", command_lines())
def test_commands_use_options_that_there_are(line: str) -> None:
    name, *arguments = shlex.split(line)
    command = configured(name)
    command.make_parser(click.Context(command)).parse_args(arguments)


def test_the_page_starts_the_server_and_backs_it_up() -> None:
    assert [line.split()[0] for line in command_lines()].count("serve") >= 2
    assert "backup" in {line.split()[0] for line in command_lines()}


def test_variables_are_those_of_settings() -> None:
    named = set(re.findall(r"HEDDLE_[A-Z_]+", PAGE + CONTAINER))
    assert "HEDDLE_TOKEN_FILE" in named
    assert named <= {variable(option) for option in configured("serve").settings()}


def test_the_settings_file_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "heddle.toml"
    file.write_text(text)
    settings = configured("serve").settings()
    assert config_file.read(file, settings, settings)["allow_host"] == ["heddle.example"]
