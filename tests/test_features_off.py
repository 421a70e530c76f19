"Features that say nothing are left out of the draws, others stay, and the fit knows how large their scales are."

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import erf, expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.features import attach_features, published_features
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.evaluation import cross_validate, evaluate
from agentirt_nb.irt.fits import open_fit, save_fit
from agentirt_nb.irt.inference import fit


def board(seed: int, says: float, agents: int = 20, tasks: int = 60, features: int = 6) -> xr.Dataset:
    "A small leaderboard whose features move difficulties by `says` logits."
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(tasks, features)), rng.normal(size=features) / np.sqrt(features)
    theta, b = rng.normal(0, 1.2, agents), 0.5 + says * (x @ weights) + rng.normal(0, 1, tasks)
    names = [f"t{j}" for j in range(tasks)]
    known = pd.DataFrame(x, names, [f"f{k}" for k in range(features)])
    cells = rng.binomial(1, expit(theta[:, None] - b))
    return from_arrays(cells, agents=[f"a{i}" for i in range(agents)], tasks=names, features=known)


def quick(outcomes: xr.Dataset, *curve: str, **options) -> xr.DataTree:
    return fit(outcomes, *curve, ability="agent", seed=0, progress=False, **options)


def test_features_count_where_they_say_something_and_hardly_where_not():
    says = [quick(board(seed, 1.0)).attrs["features_matter"] for seed in range(4)]
    silent = [quick(board(seed, 0.0)).attrs["features_matter"] for seed in range(4)]
    assert min(says) > 0.9 and max(silent) < 0.5 and np.mean(silent) < 0.2, (says, silent)


def test_what_features_are_left_out_of_is_told_and_kept(tmp_path):
    fitted = quick(board(0, 0.0))
    matter = fitted.attrs["features_matter"]
    assert f"Features say something of difficulty with probability {matter:.2f}" in fitted.attrs["verdict"]
    assert float((fitted.posterior.feature_sd > 0).all("block").mean()) == pytest.approx(matter, abs=0.002)
    assert bool((fitted.posterior.weight == 0).all("column").any())
    save_fit(fitted, tmp_path / "fit.zarr")
    assert open_fit(tmp_path / "fit.zarr").attrs["features_matter"] == matter
    assert quick(board(0, 0.0), "2pl").attrs["features_matter"] == pytest.approx(matter, abs=1e-6)


def test_exact_weights_find_the_scales_of_features_where_the_fit_has_them():
    verdicts = [quick(board(seed, 0.6), check=True).attrs["verdict"] for seed in range(3)]
    assert not [verdict for verdict in verdicts if "feature_sd is off" in verdict], verdicts


@pytest.mark.slow
@pytest.mark.parametrize(("says", "seed"), [(0.0, 0), (0.3, 0), (0.5, 1), (0.6, 2)])
def test_how_probable_features_are_is_what_nuts_says_by_scales_near_zero(says, seed):
    "The Savage-Dickey ratio: how much rarer scales near zero are before the outcomes than after."
    outcomes = board(seed, says)
    drawn = quick(outcomes, features="linear", method="nuts", draws=4000).posterior.feature_sd.values
    against = (drawn < 0.1).mean() / erf(0.1 / 1.5 / np.sqrt(2))
    assert quick(outcomes, features="linear").attrs["features_matter"] == pytest.approx(1 / (1 + against), abs=0.06)


def permuted(leaderboard: str, seed: int) -> xr.Dataset:
    "A leaderboard whose published features belong to other tasks."
    outcomes = attach_features(load_leaderboard(leaderboard), published_features(leaderboard, "default"))
    rows = np.random.default_rng(seed).permutation(outcomes.sizes["task"])
    return outcomes.assign(features=(("task", "feature"), outcomes.features.transpose("task", "feature").values[rows]))


def held_out(outcomes: xr.Dataset, features: str) -> float:
    cells = cross_validate(outcomes, "tasks", features=features, draws=500, seed=0, progress=False)
    scores = evaluate(cells, replicates=0, predictors=["model"]).log_loss
    return float(scores.sel(statistic="value", predictor="model").item())


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("leaderboard", "permutations"), [("swebench_verified", 3), ("swebench_pro", 3), ("terminal_bench", 12), ("gso", 12)]
)
def test_permuted_features_cost_little(leaderboard, permutations):
    "Few tasks: one permutation may cost .005 or gain .003, so there are more of them."
    plain = held_out(permuted(leaderboard, 0), "none")
    worse = [held_out(permuted(leaderboard, seed), "smooth") - plain for seed in range(permutations)]
    print(leaderboard, np.round(worse, 4))
    assert np.mean(worse) <= 0.002, worse
