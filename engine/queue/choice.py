"""Which waiting job an idle worker takes: the one whose turn it is, unless another worker holds its models.

Loading a model takes longer than waiting a moment for the worker that has it. The wait is bounded.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from engine.queue.job import Record

PATIENCE = 2.0  # seconds that a job waits for the worker that holds its models
AHEAD = 8  # jobs that an idle worker looks at
SOON = 4  # waiting jobs whose models a worker should rather keep
_WEIGHTS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")


class Choice(NamedTuple):
    """A job to take, if any; and when nothing fits now, after how many seconds to look again."""

    id: str | None
    look_again: float | None = None


def models_of(prompt: Mapping[str, Any]) -> frozenset[str]:
    """The weight files that a prompt names."""
    return frozenset(_names(prompt))


def files_of(prompts: Iterable[str]) -> frozenset[str]:
    """The weight files that prompts, as JSON, will ask for, without their folders."""
    return frozenset(re.split(r"[\\/]", name)[-1] for prompt in prompts for name in _models_of_text(prompt))


def choose(
    waiting: Sequence[Record],
    mine: Collection[str],
    others: Sequence[Collection[str]],
    seen: Mapping[str, float],
    now: float,
) -> Choice:
    """The first job that this worker may take. `seen` says since when each job could have been taken."""
    look_again: float | None = None
    for record in waiting:
        wanted = models_of(json.loads(record.asked.prompt))
        held_elsewhere = wanted and not wanted <= set(mine) and any(wanted <= set(other) for other in others)
        left = PATIENCE - (now - seen.get(record.job.id, now))
        if not held_elsewhere or left <= 0:
            return Choice(record.job.id)
        look_again = left if look_again is None else min(look_again, left)
    return Choice(None, look_again)


@lru_cache(maxsize=2 * SOON)  # a job is among the next ones several times before its turn
def _models_of_text(prompt: str) -> frozenset[str]:
    return models_of(json.loads(prompt))


def _names(prompt: Mapping[str, Any]) -> Iterator[str]:
    for node in prompt.values():
        inputs = node.get("inputs") if isinstance(node, Mapping) else None
        for value in inputs.values() if isinstance(inputs, Mapping) else ():
            if isinstance(value, str) and value.lower().endswith(_WEIGHTS):
                yield value
