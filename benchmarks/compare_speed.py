"""How long it takes to compare two agents, one with all others, and all pairs, on a fitted SWE-bench Verified (134 × 500).

    python benchmarks/compare_speed.py

Milliseconds, best and median of twenty calls, after a first that loads what it needs."""

from time import perf_counter

from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.comparison import compare, compare_all
from agentirt_nb.irt.inference import fit


def measure(call) -> tuple[float, float]:
    "Best and median of twenty calls, in milliseconds."
    call()
    times = []
    for _ in range(20):
        start = perf_counter()
        call()
        times.append(1000 * (perf_counter() - start))
    times.sort()
    return times[0], times[10]


if __name__ == "__main__":
    fitted = fit(load_leaderboard("swebench_verified", progress=False), progress=False)
    first, second, *_ = compare_all(fitted).agent.values.tolist()
    calls = {
        "compare, two agents": lambda: compare(fitted, first, second),
        "compare, these tasks": lambda: compare(fitted, first, second, about="these tasks"),
        "compare, one with 133": lambda: compare(fitted, first),
        "compare_all, 8,911 pairs": lambda: compare_all(fitted),
    }
    for name, call in calls.items():
        best, median = measure(call)
        print(f"{name:26s} best {best:7.1f} ms, median {median:7.1f} ms", flush=True)
