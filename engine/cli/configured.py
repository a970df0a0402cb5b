"""Commands whose options may also be set elsewhere: flags count first, then HEDDLE_*, then a file, then defaults."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from engine.cli import config_file

PREFIX = "HEDDLE"


class Configured(click.Command):
    """A command whose every option can come from `HEDDLE_OPTION` or the configuration file.

    Options that ask for one thing once, rather than set something, say `allow_from_autoenv=False`.
    """

    def __init__(self, *args: Any, context_settings: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(*args, context_settings={**(context_settings or {}), "auto_envvar_prefix": PREFIX}, **more)
        self.params += [
            click.Option(
                ["--config"],
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                expose_value=False,
                help=f"Read settings from this TOML file; {config_file.NAME} in the base directory unless said.",
            ),
            click.Option(
                ["--show-config"],
                is_flag=True,
                allow_from_autoenv=False,
                expose_value=False,
                help="Print every setting and where it comes from, and do nothing else.",
            ),
        ]

    def settings(self) -> list[click.Option]:
        """The options that the environment and the file may set."""
        return [
            each
            for each in self.params
            if isinstance(each, click.Option) and each.allow_from_autoenv and each.name != "config"
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        said, _, _ = self.make_parser(ctx).parse_args(list(args))
        help_option = self.get_help_option(ctx)
        wants_help = help_option is not None and help_option.name in said
        if not ctx.resilient_parsing and not wants_help:
            self._read_file(ctx, said)
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            if isinstance(error.param, click.Option) and (source := _source(ctx, error.param)) is not None:
                error.param_hint = f"{config_file.key(error.param)!r} in {source}"
            raise

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.get_parameter_source("show_config") is not ParameterSource.COMMANDLINE:
            return super().invoke(ctx)
        click.echo("\n".join(_lines(ctx, self.settings())))
        return None

    def _read_file(self, ctx: click.Context, said: dict[str, Any]) -> None:
        params = {each.name: each for each in self.params}

        def path(name: str) -> Path | None:
            value, source = params[name].consume_value(ctx, said)
            return None if source is ParameterSource.DEFAULT else Path(value)

        file = config_file.find(path("config"), path("base_directory") or Path.cwd())
        if file is not None:
            root = ctx.find_root().command
            commands = root.commands.values() if isinstance(root, click.Group) else [self]
            known = [option for each in commands if isinstance(each, Configured) for option in each.settings()]
            ctx.default_map = config_file.read(file, self.settings(), known)
            ctx.meta[__name__] = file


def variable(option: click.Option) -> str:
    """The variable of the environment that sets an option."""
    return str(option.envvar or f"{PREFIX}_{str(option.name).upper()}")


def _source(ctx: click.Context, option: click.Option) -> str | None:
    """Where a value comes from that is neither from the command line nor a default."""
    match ctx.get_parameter_source(str(option.name)):
        case ParameterSource.ENVIRONMENT:
            return f"the environment ({variable(option)})"
        case ParameterSource.DEFAULT_MAP:
            return str(ctx.meta[__name__])
        case _:
            return None


def _lines(ctx: click.Context, options: list[click.Option]) -> Iterator[str]:
    """Every setting as a line that a configuration file may hold, with where it comes from."""
    shown = [(config_file.key(each), _shown(each, ctx.params[str(each.name)]), each) for each in options]
    width = max(len(f"{name} = {value}") for name, value, _ in shown)
    for name, value, option in shown:
        is_given = ctx.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        source = _source(ctx, option) or ("the command line" if is_given else "default")
        yield f"{f'{name} = {value}' if value else f'# {name} is not set':{width}}  # {source}"


def _shown(option: click.Option, value: Any) -> str:
    """A value as TOML; empty where there is none."""
    if value is None:
        return ""
    return '"(hidden)"' if option.hide_input else json.dumps(value, ensure_ascii=False, default=str)
