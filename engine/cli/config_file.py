"""The configuration file: found, read, and checked against the options that it may set."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from engine.cli.path_or_word import PathOrWord

NAME = "heddle.toml"


class ConfigError(click.ClickException):
    """The configuration file cannot be used; the text names the file, the key, and what would be right."""

    exit_code = 2


def find(asked: Path | None, base: Path) -> Path | None:
    """The file that was asked for, else the one in the base directory, else the user's; None where there is none."""
    usual = (base / NAME, Path(click.get_app_dir("heddle")) / NAME)
    return asked or next((file for file in usual if os.path.isfile(file)), None)


def read(file: Path, mine: Iterable[click.Option], known: Iterable[click.Option]) -> dict[str, Any]:
    """The values for `mine`, by parameter name; keys of other `known` options are left to the commands that have them.

    Relative paths are meant from where the file lies. Raises ConfigError.
    """
    options = {key(option): option for option in mine}
    names = {*options, *map(key, known)}
    found = _parsed(file)
    for each, value in found.items():
        if each not in names:
            raise ConfigError(f"{file}: there is no setting {each!r}{_hint(each, value, names)}")
    return {options[each].name or each: _fitting(file, options[each], found[each]) for each in found if each in options}


def key(option: click.Option) -> str:
    """What the file calls an option: its longest name, without the dashes before it."""
    return max(option.opts, key=len).lstrip("-")


def _parsed(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: is no TOML: {error}") from error


def _hint(name: str, value: Any, names: Iterable[str]) -> str:
    if isinstance(value, dict):
        return ": settings stand at the top of the file, under no [heading]"
    close = get_close_matches(name.replace("_", "-"), sorted(names), n=1, cutoff=0.5)
    return f"; close: {close[0]!r}" if close else f"; there are {', '.join(sorted(names))}"


def _fitting(file: Path, option: click.Option, value: Any) -> Any:
    kinds, words = _wanted(option)
    values: list[Any] = value if option.multiple and isinstance(value, list) else [value]
    if (option.multiple and not isinstance(value, list)) or any(type(each) not in kinds for each in values):
        said = f"a list: [{words}, …]" if option.multiple else words
        raise ConfigError(f"{file}: {key(option)}: wanted is {said}; it is {value!r}")
    if isinstance(option.type, click.Path):
        words = option.type.words if isinstance(option.type, PathOrWord) else ()
        values = [each if each in words else str(file.absolute().parent / Path(each).expanduser()) for each in values]
    return values if option.multiple else values[0]


def _wanted(option: click.Option) -> tuple[tuple[type, ...], str]:
    """The types that a value may have, and what to write."""
    if option.is_flag:
        return (bool,), "true or false"
    if isinstance(option.type, type(click.INT)):
        return (int,), "a whole number"
    if isinstance(option.type, type(click.FLOAT)):
        return (int, float), "a number"
    return (str,), 'a text, "in quotes"'
