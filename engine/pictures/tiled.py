"""A function of a large picture, computed in overlapping tiles whose edges fade into each other."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod

import torch
from torch import Tensor

from engine.device import room
from engine.node.context import report, stop_if_cancelled


def tiled(
    x: Tensor,
    f: Callable[[Tensor], Tensor],
    tile: Sequence[int],
    overlap: int | Sequence[int],
    scale: float | Sequence[float] = 1.0,
    *,
    done: int = 0,
    total: int | None = None,
) -> Tensor:
    """Map `f` over tiles of x (B, C, *space) and blend: float32 (B, C', *(scale * space)) on the CPU.

    `f` takes (1, C, *tile) and gives (1, C', *(scale * tile)). `tile`, `overlap` and `scale` count one number per
    spatial axis, or one for all. Every tile fades linearly over its overlap at both ends; what overlaps is averaged
    with these weights. A picture that fits into one tile goes through `f` whole. Progress is reported as tile numbers
    from `done` on, of `total`.
    """
    axes = x.ndim - 2
    overlaps, scales = _each(overlap, axes), _each(scale, axes)
    size = tuple(x.shape[2:])
    positions = list(tiles(size, tile, overlaps))
    total = total or len(positions) * x.shape[0]
    pictures: list[Tensor] = []
    for picture in x.split(1):
        if len(positions) == 1:
            stop_if_cancelled()
            pictures.append(f(picture).float().cpu())
            done += 1
            report(done, total)
            continue
        blend = _Blend(tuple(round(n * u) for n, u in zip(size, scales, strict=True)))
        for start, length in positions:
            part = picture
            for axis in range(axes):
                part = part.narrow(axis + 2, start[axis], length[axis])
            stop_if_cancelled()
            out = f(part).float().cpu()
            blend.add(out, [round(s * u) for s, u in zip(start, scales, strict=True)], _fades(out, overlaps, scales))
            done += 1
            report(done, total)
        pictures.append(blend.result())
    return torch.cat(pictures)


def tiles(
    size: Sequence[int], tile: Sequence[int], overlap: Sequence[float]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Start and length of every tile, along each axis. Raises ValueError where tiles do not reach past the overlap."""
    starts: list[list[int]] = []
    for n, t, o in zip(size, tile, overlap, strict=True):
        if n > t and t <= o:
            msg = f"tiles of {t} cannot overlap by {o}: the overlap must be smaller than the tile"
            raise ValueError(msg)
        starts.append([0] if n <= t else list(range(0, int(n - o), int(t - o))))
    for start in product(*starts):
        yield start, tuple(min(t, n - s) for t, n, s in zip(tile, size, start, strict=True))


class _Blend:
    """A weighted sum of tiles, and of their weights."""

    def __init__(self, size: tuple[int, ...]) -> None:
        self._size = size
        self._sum: Tensor | None = None
        self._weights = torch.zeros(1, 1, *size)

    def add(self, part: Tensor, start: Sequence[int], weight: Tensor) -> None:
        if self._sum is None:
            room.require(f"a picture of {' x '.join(map(str, self._size))}", part.shape[1], prod(self._size))
            self._sum = torch.zeros(1, part.shape[1], *self._size)
        where = (slice(None), slice(None), *(slice(s, s + n) for s, n in zip(start, part.shape[2:], strict=True)))
        self._sum[where] += part * weight
        self._weights[where] += weight

    def result(self) -> Tensor:
        assert self._sum is not None  # noqa: S101 - there is always a first tile
        return self._sum / self._weights


def _fades(part: Tensor, overlap: Sequence[float], scale: Sequence[float]) -> Tensor:
    """The weight of each position of a computed tile: 1 inside, rising and falling over the overlap."""
    weight = torch.ones(1, 1, *part.shape[2:])
    for axis, (o, u) in enumerate(zip(overlap, scale, strict=True)):
        extent, fade = part.shape[axis + 2], round(u * o)
        if fade >= extent:
            continue
        ramp = torch.ones(extent)
        rise = torch.arange(1, fade + 1) / max(fade, 1)
        ramp[:fade] *= rise
        ramp[extent - fade :] *= rise.flip(0)
        weight *= ramp.view(-1, *(1,) * (part.ndim - 3 - axis))
    return weight


def _each(value: float | Sequence[float], axes: int) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * axes
