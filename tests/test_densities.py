"""Difficulties with heavy tails: what a fit says of tasks that nobody solved, by the density that it is told."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.app.cli import main
from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt import laplace
from agentirt_nb.irt.curves import STANDARD, draw_standard, log_standard
from agentirt_nb.irt.fits import FitError, density_of, draws, summarise
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import task_draws
from agentirt_nb.irt.scoring import score

TAILS = {  # name of the density that a fit is told -> true difficulties, in draws of which one may lie far out
    "gumbel": lambda rng, tasks: 1.8 * (rng.gumbel(size=tasks) - np.euler_gamma),
    "t": lambda rng, tasks: 1.5 * rng.standard_t(3, tasks),  # heavier than the four degrees of freedom of the fit
}


def board(seed: int, kind: str, agents: int = 24, tasks: int = 100) -> tuple[np.ndarray, xr.Dataset]:
    "True difficulties, and single trials of agents whose abilities add up to zero."
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 1.2, agents)
    theta, b = theta - theta.mean(), 1 + TAILS[kind](rng, tasks)
    names = dict(agents=[f"a{i:02d}" for i in range(agents)], tasks=[f"t{j:03d}" for j in range(tasks)])
    return b, from_arrays(rng.binomial(1, expit(theta[:, None] - b)), **names)


def held(kind: str, density: str, boards: int, curve: str = "1pl") -> tuple[float, float]:
    "Share of the tasks that nobody solved, and of all others, that lie in their 90 % intervals."
    nobody, others = [], []
    for seed in range(boards):
        b, outcomes = board(seed, kind)
        result = fit(outcomes, curve, ability="agent", density=density, draws=500, seed=0, check=False, progress=False)
        about = summarise(result, "difficulty", prob=0.9)
        inside, never = (about.lower.values < b) & (b < about.upper.values), (outcomes.successes.sum("agent") == 0).values
        nobody += inside[never].tolist()
        others += inside[~never].tolist()
    return float(np.mean(nobody)), float(np.mean(others))


def test_the_right_density_holds_tasks_that_nobody_solved_where_the_normal_does_not():
    normal, gumbel = held("gumbel", "normal", 5), held("gumbel", "gumbel", 5)
    assert gumbel[0] > max(0.72, normal[0] + 0.05)  # some fifty such tasks
    assert min(normal[1], gumbel[1]) > 0.84


@pytest.mark.slow
@pytest.mark.parametrize("kind", TAILS)
@pytest.mark.parametrize("curve", ["1pl", "2pl"])
def test_over_many_boards_the_right_density_holds_nearly_what_it_claims(kind, curve):
    normal, right = held(kind, "normal", 20, curve), held(kind, kind, 20, curve)
    assert right[0] > max(0.76, normal[0] + 0.08)
    assert min(normal[1], right[1]) > 0.87


@pytest.mark.parametrize("density", [name for name in STANDARD if name != "normal"])
@pytest.mark.parametrize("curve", ["1pl", "2pl"])
def test_the_lattice_of_a_task_that_nobody_solved_sums_to_its_integral(density, curve):
    theta, dims, sd = np.linspace(-2, 2, 9).astype("f4"), 1 + (curve == "2pl"), 2.5
    model = laplace._Model(laplace._LOGITS[curve], laplace.Repeats(), density)
    mean, log_sd = np.tile([0.5, 0.0][:dims], (1, 1)).astype("f4"), np.log([sd, 0.5][:dims]).astype("f4")
    cells = np.zeros((9, 1), "f4"), np.ones((9, 1), "f4")
    frame = laplace._mode_and_scale(theta, mean, log_sd, 0.0, mean, *cells, model)
    for _ in range(4):
        frame, (value, *_), _ = laplace._marginal_kernel(theta, mean, log_sd, 0.0, frame, *cells, np.ones(1, "f4"), model)
    b = np.linspace(-120, 120, 4801)
    log_a = np.linspace(-3, 3, 121) if dims == 2 else np.zeros(1)
    at = np.exp(log_a) * (theta[:, None, None] - b[:, None])
    height = -np.logaddexp(0, at).sum(0) + (log_standard(density, (b - 0.5) / sd) - np.log(sd))[:, None]
    if dims == 2:
        height = height - 0.5 * (log_a / 0.5) ** 2 - np.log(0.5 * np.sqrt(2 * np.pi))
    mass = np.exp(height) * (b[1] - b[0]) * (log_a[1] - log_a[0] if dims == 2 else 1.0)
    assert abs(float(value) - np.log(mass.sum())) < 0.015
    middle = (mass.sum(1) @ b) / mass.sum()
    assert abs(float(frame[0][0, 0]) - middle) < 0.03 * np.sqrt(mass.sum(1) @ (b - middle) ** 2 / mass.sum())


@pytest.fixture(scope="module")
def gumbel() -> xr.DataTree:
    return fit(board(0, "gumbel")[1], ability="agent", density="gumbel", draws=500, seed=0, progress=False)


def test_new_tasks_are_drawn_from_the_density_of_the_fit(gumbel):
    assert density_of(gumbel).name == gumbel.attrs["density"] == "gumbel"
    new = task_draws(gumbel, pd.DataFrame(dict(benchmark=[str(gumbel.posterior.benchmark.values[0])] * 200)), seed=0).difficulty
    mean, sd = (draws(gumbel, name).values.mean() for name in ("benchmark_difficulty", "difficulty_sd"))
    z = (new.values.ravel() - mean) / sd
    assert abs(z.mean()) < 0.1 and 0.9 < z.std() < 1.15  # mean and sd are what they are called
    expected = np.quantile(draw_standard("gumbel", np.random.default_rng(0), (100_000,)), [0.05, 0.95])
    assert np.abs(np.quantile(z, [0.05, 0.95]) - expected).max() < 0.15  # a normal's are -1.64 and 1.64


def test_a_new_task_that_nobody_solves_is_scored_by_the_density_of_the_fit(gumbel):
    failed = from_arrays(np.zeros((24, 1), int), agents=gumbel.posterior.agent.values, tasks=["new"])
    failed = failed.assign_coords(benchmark=("task", gumbel.posterior.benchmark.values[:1]))
    never = (gumbel.observed_data.successes.sum("agent") == 0).values
    like = summarise(gumbel, "difficulty", prob=0.9).isel(task=never).mean("task")
    found = summarise(score(gumbel, failed, seed=0), "difficulty", prob=0.9).sel(task="new")
    assert abs(float(found["mean"] - like["mean"])) < 0.6 and abs(float(found.upper / like.upper) - 1) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("density", ["gumbel", "t"])
def test_laplace_agrees_with_nuts(density):
    outcomes = board(3, "gumbel", 16, 60)[1]
    how = dict(ability="agent", density=density, seed=0, progress=False)
    exact, quick = fit(outcomes, method="nuts", draws=700, **how), fit(outcomes, draws=2000, check=False, **how)
    for name, ends in (("ability", [0.05, 0.95]), ("difficulty", [0.1, 0.5, 0.9])):
        a, b = (draws(x, name).transpose("sample", ...).values for x in (exact, quick))
        gap = np.abs(np.quantile(a, ends, axis=0) - np.quantile(b, ends, axis=0))
        width = np.quantile(a, 0.9, axis=0) - np.quantile(a, 0.1, axis=0)
        assert (gap / width).max() < 0.15


def test_a_density_that_fit_does_not_know_is_refused_in_one_sentence():
    outcomes = board(0, "gumbel", 4, 6)[1]
    for name, says in (("gumble", "density 'gumble' is unknown"), ("two normals", "`fit_tasks` fits the others")):
        with pytest.raises(FitError, match=says):
            fit(outcomes, density=name)


def test_the_command_line_fits_by_a_density_and_says_how_many_tasks_rest_on_it(tmp_path, capsys):
    outcomes = board(1, "gumbel", 12, 20)[1]
    rows = outcomes.successes.to_series().rename("success").reset_index()
    rows.to_csv(tmp_path / "runs.csv", index=False)
    command = ["fit", str(tmp_path / "runs.csv"), "--out", str(tmp_path / "f.nc"), "--density", "gumbel", "--ability", "agent"]
    assert main([*command, "--quiet", "--draws", "200"]) == 0
    never = int((outcomes.successes.sum("agent") == 0).sum())
    said = capsys.readouterr().out
    assert f"{never} were solved by nobody" in said and "rests on the prior (gumbel difficulties)" in said
    for density in STANDARD:  # the words that it takes are those that `fit` takes
        with pytest.raises(SystemExit, match="0"):
            main(["fit", "x.csv", "--out", "y.nc", "--density", density, "--help"])
