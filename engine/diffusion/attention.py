"""By which kernel attention is computed: chosen once, when the program starts.

All of them compute the same. What a kernel cannot do, such as heads of some width or a bias, PyTorch computes by the
kernel that it would have taken itself.
"""

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

MOST_SCORES = 1 << 24  # how many numbers a slice may hold: 64 MiB

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""`kernel(q, k, v, bias)`: q (B, heads, n, d), k and v (B, heads, m, d), bias or None -> (B, heads, n, d)."""

_PLAIN = ("auto", "sdpa")
_PACKAGES = {"xformers": "xformers", "sage": "sageattention"}


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """What queries (B, heads, n, d) get of values (B, heads, m, d) by their keys; `bias` is added before the softmax.

    `bias` has four axes, each as long as those of the scores (B, heads, n, m) or 1.
    """
    name = _Current.name
    if name in _PLAIN or _failure(name, q.device, q.dtype, q.shape[-1], bias is not None) is not None:
        return scaled_dot_product_attention(q, k, v, bias)
    return _KERNELS[name](q, k, v, bias)


def use(name: str, device: torch.device, dtype: torch.dtype) -> None:
    """Compute attention by this kernel from now on. Raises ValueError for one that does not work on the device."""
    if name not in _PLAIN and (failure := _failure(name, device, dtype, 64, False)) is not None:
        there = [each for each in _KERNELS if _failure(each, device, dtype, 64, False) is None]
        kind = str(dtype).removeprefix("torch.")
        msg = f"attention {name!r} does not work on {device} in {kind}: {failure}"
        raise ValueError(f"{msg}; there are {', '.join((*_PLAIN, *there))}")
    _Current.name = name


def in_slices(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None, most_scores: int = MOST_SCORES) -> Tensor:
    """Attention written out, for so many queries at a time that their scores stay few: slower, and in little memory."""
    count, heads, n, width = q.shape
    rows = max(1, most_scores // (count * heads * k.shape[2]))
    keys = k.transpose(-1, -2) * width**-0.5
    parts: list[Tensor] = []
    for start in range(0, n, rows):
        scores = (q[:, :, start : start + rows] @ keys).float()
        if bias is not None:
            scores = scores + (bias if bias.shape[2] == 1 else bias[:, :, start : start + rows])
        parts.append(scores.softmax(dim=-1).to(v.dtype) @ v)
    return torch.cat(parts, dim=2)


class _Current:
    name = "auto"


def _by_torch(backend: SDPBackend) -> Kernel:
    def kernel(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        with sdpa_kernel(backend):
            return scaled_dot_product_attention(q, k, v, bias)

    return kernel


def _by_diffusers(name: str) -> Kernel:
    """A kernel of a package, as diffusers calls it: there the heads come after the tokens."""

    def kernel(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn

        q, k, v = (each.transpose(1, 2).contiguous() for each in (q, k, v))
        return dispatch_attention_fn(q, k, v, bias, backend=AttentionBackendName(name)).transpose(1, 2)

    return kernel


_KERNELS: dict[str, Kernel] = {
    "math": _by_torch(SDPBackend.MATH),
    "flash": _by_torch(SDPBackend.FLASH_ATTENTION),
    "efficient": _by_torch(SDPBackend.EFFICIENT_ATTENTION),
    "cudnn": _by_torch(SDPBackend.CUDNN_ATTENTION),
    "split": in_slices,
    "xformers": _by_diffusers("xformers"),
    "sage": _by_diffusers("sage"),
}


@torch.compiler.assume_constant_result  # it is asked while layers are compiled, and its answer built in
def _failure(name: str, device: torch.device, dtype: torch.dtype, width: int, has_bias: bool) -> str | None:
    """Why a kernel does not do this, as it says itself; None where it does."""
    return _tried(name, device, dtype, width, has_bias)


@cache
def _tried(name: str, device: torch.device, dtype: torch.dtype, width: int, has_bias: bool) -> str | None:
    package = _PACKAGES.get(name)
    if package is not None and find_spec(package) is None:
        return f"{package} is not installed"
    tokens = torch.zeros(1, 1, 8, width, device=device, dtype=dtype)
    bias = tokens.new_zeros(1, 1, 1, 8) if has_bias else None
    try:
        with warnings.catch_warnings(action="ignore"):  # torch warns of each reason why it takes no kernel
            made = _KERNELS[name](tokens, tokens, tokens, bias)
    except Exception as error:  # kernels of all makes: whatever they raise, they do not do this
        return str(error).strip().partition("\n")[0] or type(error).__name__
    return None if made.shape == tokens.shape else f"it gives {tuple(made.shape)} for {tuple(tokens.shape)}"
