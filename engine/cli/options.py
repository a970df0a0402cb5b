"""Options that several commands share, and the settings they make."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from engine.settings import PRECISIONS, PREVIEW_METHODS, CachePolicy, Settings, SettingsError

Command = Callable[..., Any]
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FIELDS = {  # parameters -> what Settings calls them, where that differs
    "base_directory": "base",
    "input_directory": "input",
    "output_directory": "output",
    "temp_directory": "temp",
    "user_directory": "user",
    "whitelist_custom_nodes": "packs_anyway",
}


def _cache(_context: click.Context, _parameter: click.Parameter, text: str) -> CachePolicy:
    try:
        return CachePolicy.parse(text)
    except SettingsError as error:
        raise click.BadParameter(str(error)) from error


_WHERE = (
    click.option("--base-directory", type=_FOLDER, help="Where the next folders are looked for."),
    click.option("--models", type=_FOLDER, help="Model files: checkpoints, vae, loras, … below it."),
    click.option("--input-directory", type=_FOLDER, help="Where workflows find their pictures."),
    click.option("--output-directory", type=_FOLDER, help="Where results are saved."),
    click.option("--temp-directory", type=_FOLDER, help="Where previews are saved."),
    click.option("--user-directory", type=_FOLDER, help="Where settings of users are kept."),
    click.option("--custom-nodes", type=_FOLDER, help="Node packs."),
    click.option("--disable-all-custom-nodes/--no-disable-all-custom-nodes", help="Load no node packs."),
    click.option("--whitelist-custom-nodes", multiple=True, metavar="NAME", help="Load these packs all the same."),
)
_HOW = (
    click.option(
        "--device", default=Settings.device, show_default=True, metavar="DEVICE", help="auto, cpu, cuda, cuda:1, mps."
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default=Settings.precision,
        show_default=True,
        help="fp32 gives the reference's numbers.",
    ),
    click.option(
        "--cache",
        default=str(CachePolicy()),
        show_default=True,
        callback=_cache,
        metavar="POLICY",
        help="classic, lru:N, none or budget:4GB.",
    ),
    click.option("--disable-metadata/--no-disable-metadata", help="Write no prompt and no workflow into saved files."),
    click.option("--allow-pickle/--no-allow-pickle", help="Read pickled checkpoints, weights only."),
)
_SHOWN = (
    click.option(
        "--preview-method",
        type=click.Choice(PREVIEW_METHODS),
        default=Settings.preview_method,
        show_default=True,
        help="How latents are shown while sampling.",
    ),
    click.option(
        "--preview-size",
        type=click.IntRange(16, 4096),
        default=Settings.preview_size,
        show_default=True,
        metavar="PIXELS",
        help="Their longer side.",
    ),
)


def where(command: Command) -> Command:
    """Options that say where files lie."""
    return _all(_WHERE, command)


def how(command: Command) -> Command:
    """Options that say how models run."""
    return _all(_HOW, command)


def shown(command: Command) -> Command:
    """Options that say how clients see what goes on."""
    return _all(_SHOWN, command)


def settings(options: dict[str, Any]) -> Settings:
    """The settings that these options make."""
    chosen = {_FIELDS.get(name, name): value for name, value in options.items()}
    chosen["load_packs"] = not chosen.pop("disable_all_custom_nodes")
    return Settings.of(chosen)


def arguments(settings: Settings) -> list[str]:
    """The command-line options that make these settings."""
    given = [f"--base-directory={settings.base}", f"--custom-nodes={settings.folder('custom_nodes')}"]
    given += [f"--models={settings.folder('models')}", f"--input-directory={settings.folder('input')}"]
    given += [f"--output-directory={settings.folder('output')}", f"--temp-directory={settings.folder('temp')}"]
    given += [f"--user-directory={settings.folder('user')}", f"--device={settings.device}"]
    given += [f"--precision={settings.precision}", f"--cache={settings.cache}"]
    given += [f"--preview-method={settings.preview_method}", f"--preview-size={settings.preview_size}"]
    given += [f"--whitelist-custom-nodes={name}" for name in settings.packs_anyway]
    flags = {
        "--disable-all-custom-nodes": not settings.load_packs,
        "--disable-metadata": settings.disable_metadata,
        "--allow-pickle": settings.allow_pickle,
    }
    return given + [flag for flag, is_set in flags.items() if is_set]


def _all(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
