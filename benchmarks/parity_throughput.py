"""Samples a second when training on multitask sparse parity: this package against a plain PyTorch loop, in turn.

    python benchmarks/parity_throughput.py [PYTHON]

PYTHON is an interpreter that has PyTorch; without it only this package is timed. Every setting is run three times, ours
and theirs by turns, on the same cores; the medians and their ratio are printed. Ours is one network too, unless the
line says how many stand side by side.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from agentirt_nb.quanta.sparse_parity import parity_tasks, train_parity

SETTINGS = [  # subtasks, bits, k, batch, widths, steps of ours, steps of theirs
    (500, 100, 3, 20_000, [100], 60, 15),
    (500, 100, 3, 20_000, [500], 30, 10),
    (500, 20, 3, 2_000, [160], 600, 100),
    (500, 20, 3, 2_000, [10, 16, 25, 40, 63, 100, 160], 300, 0),
]


def ours(n_tasks: int, n_bits: int, k: int, batch: int, widths: list[int], steps: int) -> float:
    "Samples a second, counted for each network, without compiling and evaluating."
    tasks = parity_tasks(n_tasks=n_tasks, n_bits=n_bits, k=k, seed=0)
    how = dict(widths=widths, batch=batch, evaluations=1, test_size=1, progress=False)
    train_parity(tasks, steps=2, **how)
    seconds = {}
    for n in (2, steps + 2):
        begun = time.perf_counter()
        train_parity(tasks, steps=n, **how)
        seconds[n] = time.perf_counter() - begun
    return len(widths) * batch * steps / (seconds[steps + 2] - seconds[2])


def main() -> None:
    threads = len(os.sched_getaffinity(0))
    for n_tasks, n_bits, k, batch, widths, steps, torch_steps in SETTINGS:
        mine, theirs = [], []
        for _ in range(3):
            mine.append(ours(n_tasks, n_bits, k, batch, widths, steps))
            if len(sys.argv) > 1 and torch_steps:
                sizes = map(str, (n_tasks, n_bits, k, batch, widths[0], torch_steps, threads))
                command = [sys.argv[1], str(Path(__file__).with_name("parity_torch.py")), *sizes]
                theirs.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        line = f"{n_tasks} subtasks, {n_bits} bits, batch {batch:,}, widths {widths}: {statistics.median(mine):,.0f} samples/s"
        if theirs:
            line += f", PyTorch {statistics.median(theirs):,.0f}, ratio {statistics.median(mine) / statistics.median(theirs):.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
