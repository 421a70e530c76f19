"""How long it takes to choose tasks: the next of 20,000, a batch of 20 of them, and what is believed after each answer.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 taskset -c 0 python benchmarks/choose_speed.py

Milliseconds on one core, best and median of twenty calls, after a first that loads what it needs."""

import numpy as np
import xarray as xr
from compare_speed import measure

from agentirt_nb.irt.session_model import believe, choose, progress_of, session_prior
from agentirt_nb.irt.snapshot import load_snapshot


def many_tasks(size: int) -> xr.Dataset:
    "The tasks of four leaderboards, again and again under other names."
    prior = session_prior(load_snapshot())
    times = -(-size // prior.sizes["task"])
    copies = [prior.assign_coords(task=[f"{i}/{name}" for name in prior.task.values]) for i in range(times)]
    return xr.concat(copies, "task", data_vars="minimal").isel(task=slice(0, size))


def report(size: int) -> None:
    "Print the times of a session over that many tasks, of which 100 were run."
    prior = many_tasks(size)
    ran, passed = np.zeros(size), np.zeros(size)
    ran[:100], passed[:50] = 1, 1
    belief = believe(prior, passed, ran)
    calls = {
        "believe, after the 101st answer": lambda: believe(prior, passed, ran, start=belief.mean),
        "progress": lambda: progress_of(prior, passed, ran, belief=belief),
        "next task": lambda: choose(prior, passed, ran, belief=belief, seed=0),
        "batch of 20": lambda: choose(prior, passed, ran, belief=belief, size=20, seed=0),
    }
    for name, call in calls.items():
        best, median = measure(call)
        print(f"{size:6,} tasks: {name:32s} best {best:6.1f} ms, median {median:6.1f} ms", flush=True)


if __name__ == "__main__":
    for size in (500, 20_000):
        report(size)
