"""The example workflows that come along, and what each of them paints."""

from pathlib import Path

NAME = "heddle"  # as which pack they are told among the templates
_PACKED = Path(__file__).parent / "examples"  # in a wheel; a clone has them at its root
_ROOT = Path(__file__).parents[2]
_WORKFLOWS = _PACKED if _PACKED.is_dir() else _ROOT / "workflows"
_PICTURES = _PACKED / "pictures" if _PACKED.is_dir() else _ROOT / "docs" / "pictures" / "gallery"


def example_names() -> list[str]:
    """The names of the examples."""
    return sorted(path.stem for path in _WORKFLOWS.glob("*.json"))


def example_file(name: str) -> Path | None:
    """Where the file of a name lies: `X.json`, or the picture that the ecosystem asks for as `X.jpg`."""
    stem, dot, kind = name.rpartition(".")
    if not dot or stem not in example_names():
        return None
    path = _WORKFLOWS / name if kind == "json" else _PICTURES / f"{stem}.webp"
    return path if kind in ("json", "jpg") and path.is_file() else None
