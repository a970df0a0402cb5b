"""Options that several commands share, and the settings they make."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from engine.cli.config_file import ConfigError
from engine.settings import (
    ATTENTIONS,
    PRECISIONS,
    PREVIEW_METHODS,
    CachePolicy,
    Settings,
    SettingsError,
    parse_memory,
)
from engine.weights import extra_folders
from engine.weights.extra_folders import ExtraFolder

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


def _memory(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    try:
        return None if text is None else parse_memory(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no size: write 6GB, 512MiB or a number of GiB") from error


_BASE = click.option("--base-directory", type=_FOLDER, help="Where the next folders are looked for.")
_USER = click.option("--user-directory", type=_FOLDER, help="Where settings of users are kept.")
_WHERE = (
    _BASE,
    click.option("--models", type=_FOLDER, help="Model files: checkpoints, vae, loras, … below it."),
    click.option("--input-directory", type=_FOLDER, help="Where workflows find their pictures."),
    click.option("--output-directory", type=_FOLDER, help="Where results are saved."),
    click.option("--temp-directory", type=_FOLDER, help="Where previews are saved."),
    _USER,
    click.option("--custom-nodes", type=_FOLDER, help="Node packs."),
    click.option(
        "--extra-model-paths-config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        metavar="FILE",
        help=f"More folders, in the ecosystem's YAML; {extra_folders.NAME} in the base directory is read too.",
    ),
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
        "--attention",
        type=click.Choice(ATTENTIONS),
        default=Settings.attention,
        show_default=True,
        help="By which kernel; split is slow and takes little memory.",
    ),
    click.option(
        "--cache",
        default=str(CachePolicy()),
        show_default=True,
        callback=_cache,
        metavar="POLICY",
        help="classic, lru:N, none or budget:4GB.",
    ),
    click.option(
        "--vram-budget",
        callback=_memory,
        metavar="SIZE",
        help="What models and their work may take of each accelerator, such as 6GB; all that is free unless said.",
    ),
    click.option(
        "--ram-budget",
        callback=_memory,
        metavar="SIZE",
        help="What models, results and work may take of main memory; all that is free unless said.",
    ),
    click.option(
        "--reserve-vram",
        callback=_memory,
        metavar="SIZE",
        help="What is left of each accelerator to other programs; a twentieth, at most 1 GiB, unless said.",
    ),
    click.option("--disable-metadata/--no-disable-metadata", help="Write no prompt and no workflow into saved files."),
    click.option("--allow-pickle/--no-allow-pickle", help="Read pickled checkpoints, weights only."),
    click.option(
        "--download-annotators/--no-download-annotators",
        help="Fetch weights of hint preprocessors that are missing from where they are published.",
    ),
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


def whose(command: Command) -> Command:
    """Options that say where the queue and what users keep lie."""
    return _all((_BASE, _USER), command)


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
    files = chosen.pop("extra_model_paths_config")
    if "extra_folders" not in chosen:  # a worker is told what the server read
        chosen["extra_folders"] = _extra(files, chosen["base"] or Path.cwd())
    return Settings.of(chosen)


def arguments(settings: Settings) -> list[str]:
    """The command-line options that make these settings."""
    given = [f"--base-directory={settings.base}", f"--custom-nodes={settings.folder('custom_nodes')}"]
    given += [f"--models={settings.folder('models')}", f"--input-directory={settings.folder('input')}"]
    given += [f"--output-directory={settings.folder('output')}", f"--temp-directory={settings.folder('temp')}"]
    given += [f"--user-directory={settings.folder('user')}", f"--device={settings.device}"]
    given += [f"--precision={settings.precision}", f"--cache={settings.cache}"]
    given.append(f"--attention={settings.attention}")
    given += [f"--preview-method={settings.preview_method}", f"--preview-size={settings.preview_size}"]
    if settings.extra_folders:
        given.append(f"--extra-folders={json.dumps(settings.extra_folders, default=str)}")
    sizes = {
        "vram-budget": settings.vram_budget,
        "ram-budget": settings.ram_budget,
        "reserve-vram": settings.reserve_vram,
    }
    given += [f"--{name}={size}B" for name, size in sizes.items() if size is not None]
    given += [f"--whitelist-custom-nodes={name}" for name in settings.packs_anyway]
    flags = {
        "--disable-all-custom-nodes": not settings.load_packs,
        "--disable-metadata": settings.disable_metadata,
        "--allow-pickle": settings.allow_pickle,
        "--download-annotators": settings.download_annotators,
    }
    return given + [flag for flag, is_set in flags.items() if is_set]


def extra(command: Command) -> Command:
    """The option that tells a worker of more folders."""
    return click.option("--extra-folders", hidden=True, default="[]", callback=_told)(command)


def _told(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[ExtraFolder, ...]:
    return tuple(ExtraFolder(name, Path(path), is_first) for name, path, is_first in json.loads(text))


def _extra(files: Iterable[Path], base: Path) -> tuple[ExtraFolder, ...]:
    """What the files name, after the one in the base directory, each read once."""
    usual = base / extra_folders.NAME
    unique = {os.path.realpath(file): file for file in (*([usual] if usual.is_file() else []), *files)}
    try:
        return tuple(folder for file in unique.values() for folder in extra_folders.read(file))
    except extra_folders.ExtraFoldersError as error:
        raise ConfigError(str(error)) from error


def _all(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
