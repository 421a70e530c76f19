"""How long it takes to read a folder of many small logs, and how much memory: a Harbor job of 100,000 trials in 2 GB.

    python benchmarks/log_speed.py [FILES] [BYTES OF EACH]

Files a minute and the peak of memory, and beside them what json.loads alone takes."""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

TRIAL = {
    "source": "toy-suite",
    "agent_info": {"name": "shell", "version": "1", "model_info": {"name": "strong-1", "provider": "acme"}},
    "agent_result": {"n_input_tokens": 900, "n_output_tokens": 100, "cost_usd": 0.5},
    "exception_info": None,
    "started_at": "2026-03-01T10:00:00Z",
    "finished_at": "2026-03-01T10:02:00Z",
}


def make(folder: Path, files: int, size: int) -> None:
    "Write a job of trials."
    for i in range(files):
        task = f"task {i % 500:03d}"
        own = {
            "id": f"{i:032x}",
            "task_name": task,
            "trial_name": f"{task}__{i}",
            "verifier_result": {"rewards": {"reward": i % 2}},
        }
        place = folder / f"job-{i % 20}" / f"{i}"
        place.mkdir(parents=True)
        (place / "result.json").write_text(json.dumps(TRIAL | own | {"log": "x" * max(size - 600, 0)}))


def peak() -> float:
    "The most memory that this program or one that it started has held, in MiB."
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def main(files: int, size: int) -> None:
    "Print the times."
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_CACHE_HOME"] = str(Path(home) / "cache")
        folder = Path(home) / "runs"
        make(folder, files, size)
        from agentirt_nb.data.reading import read_outcomes

        before = peak()
        start = time.perf_counter()
        outcomes = read_outcomes(folder, progress=False)
        took = time.perf_counter() - start
        assert int(outcomes.trials.sum()) == files
        memory = f"peak {peak():,.0f} MiB (before: {before:,.0f})"
        print(f"read_outcomes: {took:6.1f} s, {60 * files / took:9,.0f} files a minute, {memory}", flush=True)
        start = time.perf_counter()
        for path in folder.rglob("result.json"):
            json.loads(path.read_bytes())
        took = time.perf_counter() - start
        print(f"json.loads alone, one core: {took:6.1f} s, {60 * files / took:9,.0f} files a minute")


if __name__ == "__main__":
    main(*(int(text) for text in [*sys.argv[1:], "100000", "20000"][:2]))
