"""The training loop: it draws batches ahead, steps, averages, shows, saves and resumes; what is learnt is a task's."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL.Image import Image
from torch import Generator, Tensor, nn
from torch.nn import Parameter

from engine.node.context import report
from engine.training import checkpoint
from engine.training.average import Average
from engine.training.checkpoint import Stand
from engine.training.previews import duration, grid, loss_curve, stacked
from engine.training.recipe import Recipe

_log = logging.getLogger(__name__)

Batch = tuple[Tensor, ...]


class Task(Protocol):
    """What is learnt: the modules that change, the examples by number, and the loss of a batch."""

    @property
    def name(self) -> str:
        """What is trained on what, in words: a checkpoint resumes only a run of the same name."""
        ...

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...

    @property
    def count(self) -> int:
        """How many examples there are."""
        ...

    @property
    def device(self) -> torch.device: ...

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        """The examples of these numbers. Called ahead, in a thread of its own."""
        ...

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        """The loss of a batch, a scalar. Called under autocast; all that is random comes from the generator."""
        ...

    def samples(self) -> Tensor | None:
        """Pictures (B, H, W, 3) that show what is learnt so far, or None. Called with the averaged weights."""
        ...


class Diverged(RuntimeError):
    """The loss of several steps in a row was no number."""


@dataclass(frozen=True)
class Trained:
    """What a run was: its losses by step, the seconds it took in all, and the last picture it showed."""

    losses: tuple[float, ...]
    seconds: float
    shown: Image

    @property
    def loss(self) -> float:
        """The mean loss of the last steps."""
        last = [each for each in self.losses[-50:] if math.isfinite(each)]
        return sum(last) / len(last) if last else math.nan


def train(task: Task, recipe: Recipe, store: Path | None = None) -> Trained:
    """Train the task's modules in place; at the end they hold the averaged weights.

    With `store` the run is saved there now and then, when it ends and when it is interrupted, and goes on from there if
    the file exists. Raises ValueError without examples, Diverged, WrongRun, and lets an Interrupted through.
    """
    if task.count < 1:
        raise ValueError("there is nothing to learn from: the dataset is empty")
    # Nodes run in inference mode, whose tensors know no gradients.
    with torch.inference_mode(False), torch.enable_grad(), ThreadPoolExecutor(1, "batches") as ahead:
        run = _Run(task, recipe, store)
        try:
            run.go(ahead)
        except Diverged:
            raise  # what is on disk is from before
        except BaseException:  # a cancelled run keeps what it has, and so does one that ends in an error
            run.save()
            raise
        run.save()
        run.average.settle()
        return Trained(tuple(run.stand.losses), run.stand.seconds, run.picture())


class _Run:
    def __init__(self, task: Task, recipe: Recipe, store: Path | None) -> None:
        self.task, self.recipe, self.store = task, recipe, store
        self.parameters = learning(task.modules)
        self.average = Average(self.parameters, recipe.average)
        self.adam = torch.optim.AdamW(_groups(self.parameters, recipe), lr=recipe.rate, betas=(0.9, 0.99), fused=True)
        origin = checkpoint.origin_of(task.name, self.parameters)
        self.stand = Stand(origin)
        if store is not None and store.exists():
            self.stand = checkpoint.restore(store, origin, self.parameters, self.average, self.adam)
            _log.info("resumed %s at step %d from %s", task.name, self.stand.step, store)
        self.saved_at = self.shown_at = self.stand.seconds
        self.narrow = is_narrow(recipe, task.device)

    def go(self, ahead: ThreadPoolExecutor) -> None:
        number = self.stand.step * self.recipe.accumulate
        is_compiling = self.recipe.compiled  # in the first step, whose time says nothing of those that follow
        waiting = ahead.submit(self._fetch, number)
        while self.done < 1:
            begun = time.perf_counter()
            losses: list[float] = []
            for number in self.recipe.numbers(self.stand.step):
                waiting, batch = ahead.submit(self._fetch, number + 1), _result(waiting)
                losses.append(self._backward(batch, number))
            self._step(sum(losses) / len(losses))
            self.stand.seconds += 0.0 if is_compiling else time.perf_counter() - begun
            is_compiling = False
            self._tell()
            if self.store is not None and self.stand.seconds - self.saved_at > 60 * self.recipe.save_minutes:
                self.save()

    @property
    def done(self) -> float:
        return self.recipe.done_at(self.stand.step, self.stand.seconds)

    def save(self) -> None:
        if self.store is not None:
            checkpoint.save(self.store, self.stand, self.parameters, self.average, self.adam)
            self.saved_at = self.stand.seconds

    def picture(self) -> Image:
        """The curve so far, and samples with the averaged weights."""
        with self.average.in_place(), torch.no_grad():
            samples = self.task.samples()
        text = f"step {self.stand.step} of {self._total()}, loss {_mean(self.stand.losses):.4g}, {self._left()} left"
        return stacked(loss_curve(self.stand.losses, text), None if samples is None else grid(samples))

    def _fetch(self, number: int) -> Batch:
        recipe = self.recipe
        return self.task.fetch(recipe.rows(number, self.task.count), recipe.generator(2 * number))

    def _backward(self, batch: Batch, number: int) -> float:
        device = self.task.device
        batch = tuple(each.to(device) for each in batch)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.narrow):
            loss = self.task.loss(batch, self.recipe.generator(2 * number + 1))
        (loss / self.recipe.accumulate).backward()
        return loss.item()

    def _step(self, loss: float) -> None:
        rate = self.recipe.rate_at(self.stand.step, self.done)
        for group in self.adam.param_groups:
            group["lr"] = rate
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip or math.inf)
        if math.isfinite(loss) and math.isfinite(norm.item()):
            self.adam.step()
            self.average.update(self.stand.step)
            self.stand.skipped = 0
        else:
            self._skip(loss)
        self.adam.zero_grad(set_to_none=True)
        self.stand.losses.append(loss)
        self.stand.step += 1

    def _skip(self, loss: float) -> None:
        self.stand.skipped += 1
        if self.stand.skipped >= self.recipe.patience:
            what = "its gradient" if math.isfinite(loss) else "the loss"
            msg = (
                f"{self.task.name}: at step {self.stand.step} {what} has been no finite number for "
                f"{self.stand.skipped} steps in a row; a lower rate than {self.recipe.rate:g}, a longer warm-up or "
                "float32 may help, and the pictures should be looked at"
            )
            raise Diverged(msg)

    def _tell(self) -> None:
        every = self.recipe.preview_every
        preview = self.picture() if every and (self.stand.step % every == 0 or self.done >= 1) else None
        if preview is not None:
            _log.info("%s: step %d, loss %.4g", self.task.name, self.stand.step, _mean(self.stand.losses))
        report(self.stand.step, self._total(), preview)

    def _total(self) -> int:
        """How many steps there will be; where the clock ends the run, as many as it leaves time for."""
        done = self.done
        return self.stand.step if done >= 1 or done == 0 else min(self.recipe.steps, round(self.stand.step / done))

    def _left(self) -> str:
        done = self.done
        return duration(self.stand.seconds * (1 - done) / done) if 0 < done < 1 else "none"


def is_narrow(recipe: Recipe, device: torch.device) -> bool:
    """Whether to compute in bfloat16: if asked, or where the device has instructions for it."""
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has_it = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return device.type == "cpu" and bool(has_it and has_it())


def learning(modules: Mapping[str, nn.Module]) -> dict[str, Parameter]:
    """The weights that ask for gradients, by names that tell the modules apart."""
    return {
        f"{name}.{own}": each
        for name, module in modules.items()
        for own, each in module.named_parameters()
        if each.requires_grad
    }


def _groups(parameters: Mapping[str, Parameter], recipe: Recipe) -> list[dict[str, Any]]:
    """Matrices and convolutions decay; norms, biases and tables of embeddings do not."""
    decaying = [each for name, each in parameters.items() if each.ndim > 1 and "embedding" not in name]
    others = [each for name, each in parameters.items() if each.ndim <= 1 or "embedding" in name]
    groups = ((decaying, recipe.weight_decay), (others, 0.0))
    return [{"params": some, "weight_decay": decay} for some, decay in groups if some]


def _result(waiting: Future[Batch]) -> Batch:
    return waiting.result()


def _mean(losses: Sequence[float]) -> float:
    last = [each for each in losses[-50:] if math.isfinite(each)]
    return sum(last) / len(last) if last else math.nan
