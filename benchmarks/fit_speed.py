"""How long a fit takes: warm, and as the first call of a fresh process whose compilation cache is filled.

    python benchmarks/fit_speed.py            # Laplace, each leaderboard and the four jointly, 1PL and 2PL
    python benchmarks/fit_speed.py --nuts     # and NUTS on SWE-bench Verified 1PL: effective draws a second on one core

Reads the leaderboards as the package does (data folder or download). Seconds, best and median of five warm calls.
"""

import argparse
import os
import subprocess
import sys
from time import perf_counter

ONE_CORE = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "OPENBLAS_NUM_THREADS": "1"}
LEADERBOARDS = ["swebench_verified", "swebench_pro", "terminal_bench", "gso"]
FIRST_CALL = """
from time import perf_counter
start = perf_counter()
from agentirt_nb.irt.inference import fit
from agentirt_nb.data.leaderboards import load_leaderboard
imported = perf_counter()
outcomes = load_leaderboard({name!r}, progress=False)
loaded = perf_counter()
fit(outcomes, progress=False)
print(f"{{imported - start:.2f}} {{loaded - imported:.2f}} {{perf_counter() - loaded:.2f}}")
"""


def laplace() -> None:
    from agentirt_nb.data.leaderboards import load_leaderboard
    from agentirt_nb.irt.inference import fit

    print(f"{'outcomes':20s} {'curve':6s} {'cold':>7s} {'best':>7s} {'median':>7s}  verdict")
    for name in [*LEADERBOARDS, LEADERBOARDS]:
        outcomes = load_leaderboard(name, progress=False)
        for curve in ("1pl", "2pl"):
            times = []
            for _ in range(6):
                start = perf_counter()
                result = fit(outcomes, curve, progress=False)
                times.append(perf_counter() - start)
            cold, warm = times[0], sorted(times[1:])
            label = name if isinstance(name, str) else "the four jointly"
            print(f"{label:20s} {curve:6s} {cold:7.2f} {warm[0]:7.2f} {warm[2]:7.2f}  {result.attrs['verdict'][:80]}", flush=True)


def first_call() -> None:
    print("first call in a fresh process, cache filled: seconds to import, load, fit")
    for name in ["swebench_verified", LEADERBOARDS]:
        run = subprocess.run([sys.executable, "-c", FIRST_CALL.format(name=name)], capture_output=True, text=True, check=True)
        print(f"{name if isinstance(name, str) else 'the four jointly':20s} {run.stdout.strip()}", flush=True)


def nuts() -> None:
    from agentirt_nb.data.leaderboards import load_leaderboard
    from agentirt_nb.irt.inference import fit

    outcomes = load_leaderboard("swebench_verified", progress=False)
    for ability in ("agent", "llm_scaffold"):
        start = perf_counter()
        result = fit(outcomes, ability=ability, method="nuts", draws=1000, progress=False)
        seconds = perf_counter() - start
        smallest = min(float(x.min()) for name, x in result.sample_stats.items() if str(name).endswith("_ess"))
        rate = f"{seconds:.0f} s, smallest ESS {smallest:.0f}, {smallest / seconds:.0f} a second"
        print(f"NUTS 1PL {ability}: {rate}; {result.attrs['verdict']}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nuts", action="store_true", help="time NUTS on one core instead")
    if parser.parse_args().nuts:
        if os.environ.get("XLA_FLAGS") != ONE_CORE["XLA_FLAGS"]:
            sys.exit(subprocess.run([sys.executable, *sys.argv], env=os.environ | ONE_CORE, check=False).returncode)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        nuts()
    else:
        laplace()
        first_call()
