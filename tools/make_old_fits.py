"""Write one fit of each kind into tests/data/fits, with the version that is installed: later versions must open them.

Run once for a version of the schema, never again for the same one: what counts is that old files stay as they were."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from agentirt_nb import __version__
from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.curves import CURVES
from agentirt_nb.irt.fits import save_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import predict
from agentirt_nb.irt.rates import expected_pass_rate
from agentirt_nb.irt.scoring import score
from agentirt_nb.quanta.task_fits import fit_tasks

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data" / "fits"
AGENTS, TASKS, DRAWS = 50, 24, 20


def simulated(rng: np.random.Generator, trials: int = 1, features: bool = False):
    "A small world: ten LLMs in five scaffolds, two benchmarks, abilities that rise with time."
    llm, scaffold = np.arange(AGENTS) % 10, np.arange(AGENTS) // 10
    theta = rng.normal(0, 1, 10)[llm] + rng.normal(0, 0.5, 5)[scaffold] + rng.normal(0, 0.3, AGENTS)
    x = rng.standard_normal((TASKS, 3))
    b = rng.normal(0, 1, TASKS) + x @ [0.5, -0.3, 0.0]
    p = 1 / (1 + np.exp(b - theta[:, None]))
    names = [f"agent {i:02d}" for i in range(AGENTS)]
    about = dict(
        llm=[f"Model {chr(65 + m)}" for m in llm],
        scaffold=[f"Scaffold {s + 1}" for s in scaffold],
        date=pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(AGENTS) * 7, unit="D"),
        organisation="none",
    )
    tasks = [f"task {j:02d}" for j in range(TASKS)]
    benchmark = np.where(np.arange(TASKS) < TASKS // 2, "left", "right")
    return from_arrays(
        rng.binomial(trials, p),
        np.full(p.shape, trials),
        agents=pd.DataFrame(about, index=names),
        tasks=pd.DataFrame(dict(benchmark=benchmark, group=[f"group {j % 4}" for j in range(TASKS)]), index=tasks),
        features=pd.DataFrame(x, index=tasks, columns=["length", "files", "noise"]) if features else None,
        attrs=dict(kind="simulated", source="tools/make_old_fits.py"),
    )


def fits() -> dict:
    "A fit of each kind by name."
    plain, tried, described = (simulated(np.random.default_rng(0), *about) for about in ((), (4,), (1, True)))
    options = dict(seed=0, draws=DRAWS, progress=False)
    made = {
        "1pl agent": fit(plain, ability="agent", **options),
        "1pl split": fit(plain, **options),
        "2pl split": fit(plain, "2pl", **options),
        "1pl dated": fit(plain, ability="dated", **options),
        "1pl features": fit(described, **options),
        "1pl trials": fit(tried, **options),
        "1pl nuts": fit(plain, ability="agent", method="nuts", **options),
    }
    known = fit(plain.isel(agent=slice(0, 45)), **options)
    made["1pl scored"] = score(known, plain.isel(agent=[45], task=slice(0, 6)), seed=0)
    made |= {f"curve {name}": fit_tasks(plain, name, seed=0, draws=DRAWS) for name in CURVES}
    made["curve 2pl gumbel"] = fit_tasks(plain, "2pl", "gumbel", seed=0, draws=DRAWS)
    made["curve 2pl decided"] = fit_tasks(plain, "2pl", tasks="decided", seed=0, draws=DRAWS)
    made["curve 2pl beta-binomial"] = fit_tasks(tried, "2pl", noise="beta-binomial", seed=0, draws=DRAWS)
    return made


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    if any(FOLDER.iterdir()):
        print(f"{FOLDER} holds fits already; they must stay as they are.")
        return 1
    warnings.simplefilter("ignore")
    expected = {}
    for name, made in fits().items():
        file = name.replace(" ", "_").replace(",", "") + ".nc"
        save_fit(made, FOLDER / file)
        expected[file] = dict(ability=float(made.posterior.ability.mean()), difficulty=float(made.posterior.difficulty.mean()))
        if not name.startswith("curve"):
            expected[file]["probability"] = float(predict(made).probability.mean())
            expected[file]["pass_rate"] = expected_pass_rate(made).pass_rate.mean("agent").values.round(6).tolist()
    about = dict(version=__version__, schema="before the fits had a room of their own", fits=expected)
    (FOLDER / "expected.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(f"{len(expected)} fits in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
