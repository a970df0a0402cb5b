"""`python tests/frontend/fetch.py [VERSION…]`: put versions of the stock frontend where the tests look for them."""

import argparse
import subprocess
import sys
from pathlib import Path

VERSIONS = ("1.27.10", "1.58.1")  # the one that the protocol's baseline pins, and a late one
FOLDER = Path(__file__).parents[2] / ".frontends"


def main() -> None:
    """Fetch what is asked for; versions that are there already are left alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="VERSION", default=VERSIONS)
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER", help="%(default)s unless said")
    asked = parser.parse_args()
    for version in asked.versions:
        if not pages_of(version, asked.into).is_file():
            fetch(version, asked.into)


def fetch(version: str, into: Path) -> None:
    """Have pip unpack a version into a folder of its own."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, f"--target={into / version}", f"comfyui-frontend-package=={version}"], check=True)


def pages_of(version: str, into: Path = FOLDER) -> Path:
    """The first page of a version that was fetched."""
    return into / version / "comfyui_frontend_package" / "static" / "index.html"


if __name__ == "__main__":
    main()
