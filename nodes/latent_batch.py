"""Batches of latents: taken apart, joined and repeated, each picture keeping the number of its noise."""

from itertools import groupby
from typing import Annotated, Any, Literal

from engine.api import Latent, Number, deferred, node

with deferred():
    import torch

    from engine.pictures import paste, resample


@node("latent/batch", id="LatentFromBatch", title="Latent From Batch")
def latent_from_batch(
    samples: Latent,
    batch_index: Annotated[int, Number(0, 63)] = 0,
    length: Annotated[int, Number(1, 64)] = 1,
) -> Latent:
    """Take some latents out of a batch; sampled alone they give what they give in the batch."""
    latent = samples["samples"]
    start = min(batch_index, latent.shape[0] - 1)
    part = slice(start, min(start + length, latent.shape[0]))
    result = {**samples, "samples": latent[part].clone(), "batch_index": _numbers(samples)[part]}
    mask = samples.get("noise_mask")
    if mask is not None and mask.shape[0] > 1:
        result["noise_mask"] = resample.repeat_batch(mask, latent.shape[0])[part].clone()
    return result


@node("latent/batch", id="RepeatLatentBatch", title="Repeat Latent Batch")
def repeat_latent_batch(samples: Latent, amount: Annotated[int, Number(1, 64)] = 1) -> Latent:
    """Repeat a batch; every copy gets noise of its own."""
    latent = samples["samples"]
    count = latent.shape[0]
    result = {**samples, "samples": resample.repeat_batch(latent, count * amount)}
    mask = samples.get("noise_mask")
    if mask is not None and mask.shape[0] > 1:
        result["noise_mask"] = resample.repeat_batch(resample.repeat_batch(mask, count), count * amount)
    if "batch_index" in samples:
        numbers = _numbers(samples)
        apart = max(numbers) - min(numbers) + 1
        result["batch_index"] = [number + i * apart for i in range(amount) for number in numbers]
    return result


@node("latent/batch", id="LatentBatch")
def latent_batch(samples1: Latent, samples2: Latent) -> Latent:
    """Join two batches; the second is resized to the first."""
    first = samples1["samples"]
    second = paste.fitted(samples2["samples"], first, batch=False)
    return {**samples1, "samples": torch.cat([first, second]), "batch_index": _numbers(samples1) + _numbers(samples2)}


@node("latent/batch", id="RebatchLatents", title="Rebatch Latents", takes_lists=True)
def rebatch_latents(
    latents: Latent,
    batch_size: Annotated[int, Number(1, 4096)] = 1,
) -> list[Latent]:
    """Cut all latents that come in into batches of this size; those of different sizes are not mixed.

    A latent without numbers for its noise is counted on from the ones before it, so that all get noise of their own.
    """
    (size,) = _as_list(batch_size)
    items: list[dict[str, Any]] = []
    for latent in _as_list(latents):
        items += _taken_apart(latent, counted_from=len(items))
    batches: list[Latent] = []
    for _, alike in groupby(items, key=lambda item: (item["samples"].shape, item["noise_mask"] is None)):
        same = list(alike)
        batches += [_joined(same[i : i + size]) for i in range(0, len(same), size)]
    return batches


@node("latent/advanced", id="LatentBatchSeedBehavior", spells_combo=True)
def latent_batch_seed_behavior(samples: Latent, seed_behavior: Literal["random", "fixed"] = "fixed") -> Latent:
    """Give all latents of a batch the same noise ("fixed"), or each its own ("random")."""
    result = dict(samples)
    numbers = result.pop("batch_index", None)
    if seed_behavior == "fixed":
        result["batch_index"] = [numbers[0] if numbers else 0] * samples["samples"].shape[0]
    return result


def _numbers(latent: Latent) -> list[int]:
    """Which draw of noise each picture of a batch gets."""
    return list(latent.get("batch_index") or range(latent["samples"].shape[0]))


def _taken_apart(latent: Latent, counted_from: int) -> list[dict[str, Any]]:
    samples, mask = latent["samples"], latent.get("noise_mask")
    count = samples.shape[0]
    numbers = _numbers(latent) if "batch_index" in latent else range(counted_from, counted_from + count)
    masks = [None] * count if mask is None else resample.repeat_batch(resample.as_planes(mask), count).split(1)
    others = {key: value for key, value in latent.items() if key not in ("samples", "noise_mask", "batch_index")}
    return [
        {**others, "samples": each, "noise_mask": its_mask, "batch_index": number}
        for each, its_mask, number in zip(samples.split(1), masks, numbers, strict=True)
    ]


def _joined(items: list[dict[str, Any]]) -> Latent:
    result = dict(items[0])
    result["samples"] = torch.cat([item["samples"] for item in items])
    result["batch_index"] = [item["batch_index"] for item in items]
    masks = [item["noise_mask"] for item in items]
    if masks[0] is None:
        del result["noise_mask"]
    else:
        tall, wide = masks[0].shape[-2:]
        result["noise_mask"] = torch.cat([resample.resize_mask(mask, wide, tall) for mask in masks])
    return result


def _as_list(value: Any) -> list[Any]:
    """What came in, as a list: a run hands lists over, a caller may give one value."""
    return value if isinstance(value, list) else [value]
