"""The value a VAE link carries: pixels to latents and back, whole, in pieces of a batch, or in tiles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.device import memory, room
from engine.device.resident import require, resident, room_for
from engine.node.context import stop_if_cancelled
from engine.pictures.tiled import tiled, tiles

_KERNELS = 48  # numbers per pixel that convolutions take for themselves
_COPIES = 4  # of decoded pictures that are alive at once, while pieces or tiles are put together
TILE, OVERLAP = 64, 16  # latent cells
TILES = (64, 48, 32, 16)  # sides of tiles that a plain call falls back to when memory does not hold the whole


class Autoencoder(Protocol):
    """What is asked of diffusers' AutoencoderKL, and of any module in its place."""

    @property
    def config(self) -> Any: ...

    def parameters(self) -> Iterator[Any]: ...

    def encode(self, x: Any, return_dict: bool = ...) -> Any: ...

    def decode(self, z: Any, return_dict: bool = ...) -> Any: ...


@dataclass(frozen=True)
class Vae:
    """An autoencoder of pictures. Pixels are (B, H, W, 3) float32 in 0..1; latents (B, C, h, w) float32, unscaled.

    Both stay on the CPU between nodes. The module is shared and never changed; it computes where its weights are and in
    their type.
    """

    module: Autoencoder

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.module.parameters()).dtype

    @property
    def channels(self) -> int:
        """Channels of a latent."""
        return int(self.module.config["latent_channels"])

    @property
    def factor(self) -> int:
        """Pixels along one side of a latent cell: 8 for all families of the Stable Diffusion kind."""
        return 2 ** (len(self.module.config["block_out_channels"]) - 1)

    def encode(self, pixels: Tensor) -> Tensor:
        """The mean latent of pixels (B, H, W, 3 or more); sides are cropped to multiples of `factor` first."""
        planes = self._planes(pixels)

        def in_tiles(cells: int) -> Tensor:
            side = cells * self.factor
            return self._tiled_encode(planes, side, side, side // 4)

        with memory.named_shortage(f"encoding {_pictures(planes)}", self.device):
            return self._in_pieces(planes, self._encode, planes[0, 0].numel(), in_tiles)

    def decode(self, latent: Tensor) -> Tensor:
        """The pixels (B, H, W, 3) in 0..1 of a latent (B, C, h, w)."""
        self._check(latent)
        pixels_each = latent[0, 0].numel() * self.factor**2
        what = self._check_pictures(latent)

        def in_tiles(cells: int) -> Tensor:
            return self._tiled_decode(latent, cells, cells, cells // 4)

        with memory.named_shortage(what, self.device):
            return _as_pixels(self._in_pieces(latent, self._decode, pixels_each, in_tiles))

    def encode_tiled(self, pixels: Tensor, tile_x: int = 512, tile_y: int = 512, overlap: int = 64) -> Tensor:
        """As `encode`, in overlapping tiles given in pixels: less memory, and close to the whole."""
        planes = self._planes(pixels)
        with memory.named_shortage(f"encoding {_pictures(planes)} in tiles", self.device):
            return self._tiled_encode(planes, tile_x, tile_y, overlap)

    def decode_tiled(self, latent: Tensor, tile_x: int = TILE, tile_y: int = TILE, overlap: int = OVERLAP) -> Tensor:
        """As `decode`, in overlapping tiles given in latent cells: less memory, and close to the whole."""
        self._check(latent)
        with memory.named_shortage(f"{self._check_pictures(latent)} in tiles", self.device):
            return _as_pixels(self._tiled_decode(latent, tile_x, tile_y, overlap))

    @torch.no_grad()
    def _encode(self, planes: Tensor) -> Tensor:
        """Pixel planes (b, 3, H, W) in 0..1 through the encoder: (b, C, h, w) float32 on the CPU."""
        with resident(self.module, self.work(planes[:, 0].numel()), f"encoding {_pictures(planes)}"):
            spread = (planes * 2 - 1).to(self.device, self.dtype)
            return self.module.encode(spread, return_dict=False)[0].mode().float().cpu()

    @torch.no_grad()
    def _decode(self, latent: Tensor) -> Tensor:
        """A latent (b, C, h, w) through the decoder: planes (b, 3, H, W) around -1..1, float32 on the CPU."""
        work = self.work(latent[:, 0].numel() * self.factor**2)
        with resident(self.module, work, f"decoding {_pictures(latent, self.factor)}"):
            return self.module.decode(latent.to(self.device, self.dtype), return_dict=False)[0].float().cpu()

    def _tiled_encode(self, planes: Tensor, tile_x: int, tile_y: int, overlap: int) -> Tensor:
        self._check_tile(planes, tile_x, tile_y, 1)
        return _averaged(planes, self._encode, tile_x, tile_y, overlap, 1 / self.factor)

    def _tiled_decode(self, latent: Tensor, tile_x: int, tile_y: int, overlap: int) -> Tensor:
        self._check_tile(latent, tile_x, tile_y, self.factor)
        return _averaged(latent, self._decode, tile_x, tile_y, overlap, self.factor)

    def _planes(self, pixels: Tensor) -> Tensor:
        """Pixels (B, H, W, 3 or more) as (B, 3, H, W) with sides that are multiples of the cell."""
        if pixels.ndim != 4 or pixels.shape[-1] < 3:
            msg = f"a VAE encodes pixels of shape (batch, height, width, 3), not {tuple(pixels.shape)}"
            raise ValueError(msg)
        cropped = crop_to_cells(pixels, self.factor)[..., :3]
        if 0 in cropped.shape:
            msg = f"a picture of {pixels.shape[2]} x {pixels.shape[1]} is smaller than one latent cell ({self.factor})"
            raise ValueError(msg)
        return cropped.movedim(-1, 1)

    def _check(self, latent: Tensor) -> None:
        if latent.ndim != 4 or latent.shape[1] != self.channels:
            takes = f"(batch, {self.channels}, height, width)"
            msg = f"this VAE decodes latents of shape {takes}, not {tuple(latent.shape)}: it belongs to another model"
            raise ValueError(msg)

    def _check_pictures(self, latent: Tensor) -> str:
        """Raise MemoryError where RAM does not hold the decoded pictures; gives the words for what is being done."""
        what = f"decoding {_pictures(latent, self.factor)}"
        room.require(what, len(latent), latent[0, 0].numel(), self.factor**2, 3, _COPIES)
        return what

    def _check_tile(self, x: Tensor, tile_x: int, tile_y: int, pixels: int) -> None:
        """Raise OutOfMemory where the device does not hold one tile, of so many values of x, `pixels` pixels each."""
        height, width = min(tile_y, x.shape[2]) * pixels, min(tile_x, x.shape[3]) * pixels
        require(self.module, self.device, self.work(height * width), f"one tile of {width} x {height} pixels")

    def _in_pieces(
        self, x: Tensor, f: Callable[[Tensor], Tensor], pixels_each: int, in_tiles: Callable[[int], Tensor]
    ) -> Tensor:
        """`f` over as many items of the batch at once as memory holds, or `in_tiles` of so many latent cells a side
        where it does not hold one item.
        """
        each = self.work(pixels_each)
        room = room_for(self.module, self.device)
        if each <= room:
            try:
                return torch.cat(list(_mapped(x.split(max(1, int(room / 2 / each))), f)))
            except (RuntimeError, MemoryError) as error:
                if not memory.is_shortage(error):
                    raise
            memory.release()  # outside the handler: its traceback no longer holds the tensors that filled the memory
        return in_tiles(self._tile())

    def _tile(self) -> int:
        """Latent cells along the side of the largest tile that memory holds, or of the smallest there is."""
        room = room_for(self.module, self.device)
        tall = 2 * self.factor**2  # each tiling also has tiles of twice this height and half this width, and so on
        return next((side for side in TILES if self.work(side * side * tall) <= room), TILES[-1])

    def work(self, pixels: int) -> int:
        """Bytes that so many pixels take at the widest place, beside the weights."""
        return pixels * self._values_per_pixel() * self.dtype.itemsize

    def _values_per_pixel(self) -> int:
        """How many numbers are alive per pixel at the widest place: a block at full size, its input, and what kernels
        take beside them; within a tenth of what was measured for the VAE of SD 1.x and one of half its width.
        """
        narrow, *wider = self.module.config["block_out_channels"]
        return 2 * narrow + 3 * (wider[0] if wider else narrow) + _KERNELS


def present(vae: Vae | None) -> Vae:
    """The VAE, or a ValueError in plain words: some checkpoints hold none."""
    if vae is None:
        raise ValueError("there is no VAE: the checkpoint holds none, so load one with a VAELoader and connect that")
    return vae


def crop_to_cells(pixels: Tensor, factor: int = 8) -> Tensor:
    """Crop (B, H, W, C) around its centre to sides that are multiples of `factor`; an odd rest goes at the end."""
    height, width = pixels.shape[1:3]
    top, left = (height % factor) // 2, (width % factor) // 2
    return pixels[:, top : top + height // factor * factor, left : left + width // factor * factor]


def _mapped(pieces: tuple[Tensor, ...], f: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
    for piece in pieces:
        stop_if_cancelled()
        yield f(piece)


def _averaged(x: Tensor, f: Callable[[Tensor], Tensor], tile_x: int, tile_y: int, overlap: int, scale: float) -> Tensor:
    """The mean of three tilings, tall, flat and as asked, which hides the seams that one of them leaves."""
    shapes = ((tile_y * 2, tile_x // 2), (tile_y // 2, tile_x * 2), (tile_y, tile_x))
    counts = [x.shape[0] * sum(1 for _ in tiles(tuple(x.shape[2:]), shape, (overlap, overlap))) for shape in shapes]
    sums = 0
    for i, shape in enumerate(shapes):
        sums = sums + tiled(x, f, shape, overlap, scale, done=sum(counts[:i]), total=sum(counts))
    return torch.as_tensor(sums) / 3


def _as_pixels(planes: Tensor) -> Tensor:
    """Fresh planes (B, 3, H, W), changed in place, as pixels."""
    return planes.add_(1).div_(2).clamp_(0, 1).movedim(1, -1)


def _pictures(x: Tensor, pixels: int = 1) -> str:
    """How many pictures of which size x (B, C, h, w) stands for, at so many pixels a cell."""
    count, _, height, width = x.shape
    return f"{count} picture{'s' if count > 1 else ''} of {width * pixels} x {height * pixels}"
