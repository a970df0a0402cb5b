"""Runs `heddle` with small bounds, so that tests reach them: python tight.py PYTHON -m engine serve …"""

import sys
from functools import partial

from engine.__main__ import main
from engine.server import desk
from engine.server.patience import Patience

BOUNDS = desk.Bounds(
    upload=100_000,
    waiting=2,
    sockets=4,
    sockets_of_one=3,
    message=1000,
    messages=20,
    patience=Patience(idle=2, grace=1, rate=10_000),
)

if __name__ == "__main__":
    desk.Bounds = partial(desk.Bounds, **vars(BOUNDS))  # type: ignore[misc]
    main(sys.argv[4:])
