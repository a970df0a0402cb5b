"""Whole runs of every sampler against those of the reference host."""

from collections import Counter
from typing import Any

import pytest
import torch

from engine.diffusion.names import SAMPLER_NAMES
from engine.diffusion.schedules import for_sampler, make_schedule
from engine.diffusion.solvers.solver import Solver
from tests.diffusion.analytic import LEVELS, Golden, mismatch, run

FILES = ("samplers_eps", "samplers_flow", "samplers_more")
ON_CPU = [name for name in SAMPLER_NAMES if not name.endswith("_gpu")]


@pytest.fixture(scope="module")
def records(golden: Golden) -> dict[str, list[dict[str, Any]]]:
    by_sampler: dict[str, list[dict[str, Any]]] = {}
    for file in FILES:
        for record in golden(file):
            by_sampler.setdefault(record["sampler"], []).append(record)
    return by_sampler


def complaints(record: dict[str, Any]) -> list[str]:
    """What differs between a reference run and ours."""
    levels, options = LEVELS[record["model"]], record.get("options")
    solver = Solver(record["sampler"], options or {})
    if options is None:
        sigmas = for_sampler(record["sampler"], record["scheduler"], levels, record["steps"])
    else:
        sigmas = make_schedule(record["scheduler"], levels, record["steps"])
    wanted = torch.tensor(record["sigmas"])
    if sigmas.shape != wanted.shape or not torch.allclose(sigmas, wanted, rtol=2e-6):
        return [f"the schedule is {sigmas.tolist()}"]
    done = run(solver, levels, sigmas, record["seed"], record["cfg"], record.get("shape", (1, 4, 8, 8)))
    wrong = [] if len(done.asked) == record["calls"] else [f"{len(done.asked)} calls, not {record['calls']}"]
    return wrong + ([difference] if (difference := mismatch(done.latent, record)) else [])


@pytest.mark.parametrize("sampler", ON_CPU)
def test_runs_end_where_those_of_the_reference_do(sampler: str, records: dict[str, list[dict[str, Any]]]) -> None:
    described = ("model", "scheduler", "steps", "cfg", "seed", "options")
    wrong = [
        ({key: record.get(key) for key in described}, found)
        for record in records[sampler]
        if (found := complaints(record))
    ]
    assert not wrong


def test_every_sampler_has_a_reference_run(records: dict[str, list[dict[str, Any]]]) -> None:
    assert set(records) == set(ON_CPU)
    assert min(Counter({name: len(each) for name, each in records.items()}).values()) >= 2
