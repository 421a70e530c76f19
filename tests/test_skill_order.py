"""Order, complexity and clusters of skills on boards whose truth is known, calibration of their tests, and bad input."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit
from sklearn.metrics import adjusted_rand_score

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.resampling import llm_families
from agentirt_nb.quanta.simulation import simulate_quanta
from agentirt_nb.quanta.skill_order import discrimination_complexity, reversal_rates, scalability
from agentirt_nb.quanta.task_clusters import residual_clusters, task_residuals


def test_families_by_llm_then_organisation_then_agent():
    import pandas as pd

    agents = pd.DataFrame(
        {"llm": ["Claude 2", "Claude Opus 4", "GPT-5", "", "", "360"], "organisation": ["x", "y", "x", "Acme", "", ""]},
        index=list("abcdef"),
    )
    board = from_arrays(np.ones((6, 2)), agents=agents, tasks=["s", "t"])
    assert llm_families(board).values.tolist() == ["LLM Claude", "LLM Claude", "LLM GPT", "by Acme", "e", "LLM 360"]


def test_reversals_fall_with_sharpness():
    rates = []
    for h in (0.5, 1.0, 2.0, 4.0, np.inf):
        boards = [simulate_quanta(30, 60, kappa=0.5, sharpness=h, needed="geometric", trials=5, seed=seed) for seed in range(3)]
        rates.append(np.mean([float(reversal_rates(b, gaps=(0.05, 0.5), replicates=0).observed[0]) for b in boards]))
    assert (np.diff(rates) < 0).all() and rates[-1] == 0


def test_reversals_equal_a_count_by_hand():
    rng = np.random.default_rng(0)
    n = rng.integers(0, 6, (6, 25))
    k = rng.binomial(n, rng.random((6, 25)))
    board = from_arrays(k, n, agents=list("abcdef"), tasks=[f"t{j}" for j in range(25)])
    found = reversal_rates(board, gaps=(0.05, 1), replicates=0)
    reversals = solved = 0
    rate = np.where(n > 0, k / np.maximum(n, 1), np.nan)
    for i in range(6):
        for j in range(6):
            both = np.isfinite(rate[i]) & np.isfinite(rate[j])
            if rate[j][both].mean() - rate[i][both].mean() > 0.05:
                solved += (rate[i][both] >= 0.8).sum()
                reversals += ((rate[i][both] >= 0.8) & (rate[j][both] <= 0.2)).sum()
    assert float(found.solved[0]) == solved and float(found.reversals[0]) == reversals > 0


def test_loevinger_equals_guttman_errors_with_missing_cells():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, (12, 5)).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    errors, expected = 0.0, 0.0
    for i in range(5):
        for j in range(i):
            both = np.isfinite(x[:, i]) & np.isfinite(x[:, j])
            a, b = x[both, i], x[both, j]
            a, b = (a, b) if a.mean() >= b.mean() else (b, a)  # a is the easier
            errors += ((a == 0) & (b == 1)).sum()
            expected += len(a) * (1 - a.mean()) * b.mean()
    board = from_arrays(x, agents=list("abcdefghijkl"), tasks=list("vwxyz"))
    assert float(scalability(board, replicates=0).h) == pytest.approx(1 - errors / expected)


def test_h_has_no_order_to_find_in_noise_and_all_of_it_in_a_scale():
    strict = simulate_quanta(20, 40, sharpness=np.inf, needed=3, seed=1)
    found = scalability(strict, replicates=10)
    assert float(found.h) == pytest.approx(1) and float(found.h_task.min()) == pytest.approx(1)
    assert int(found.h_task.notnull().sum()) < 40  # those that all solve or all fail have none


@pytest.mark.parametrize("kind", ["conjunctive", "additive"])
def test_sign_of_complexity_is_recovered(kind):
    needed = np.exp(np.random.default_rng(0).uniform(0, np.log(32), 150)).astype(int)
    board = simulate_quanta(300, 150, kind=kind, needed=needed, seed=6)
    found = discrimination_complexity(board, np.log(board.true_needed.astype(float)), replicates=20, permutations=200)
    assert found.attrs["reading"] == kind and found.p_value < 0.02


def test_complexity_p_values_are_uniform_where_complexity_is_noise():
    board = simulate_quanta(30, 90, needed="geometric", seed=7)
    rng, p = np.random.default_rng(8), []
    for _ in range(40):
        noise = xr.DataArray(rng.standard_normal(90), {"task": board.task.values}, ("task",))
        p.append(float(discrimination_complexity(board, noise, permutations=99, replicates=0).p_value))
    assert 0.01 < np.mean(np.array(p) <= 0.2) < 0.4 and 0.3 < np.mean(p) < 0.7


def two_parameter_board(seed, agents=60, tasks=80):
    rng = np.random.default_rng(seed)
    theta, b, a = np.linspace(-2, 3, agents), rng.normal(0.5, 1.5, tasks), np.exp(0.3 * rng.standard_normal(tasks))
    k = rng.binomial(1, expit(a * (theta[:, None] - b)))
    return from_arrays(k, agents=[f"a{i}" for i in range(agents)], tasks=[f"t{j}" for j in range(tasks)])


QUICK = {"n_clusters": (5, 10, 15), "permutations": 9, "progress": False, "method": "average", "ranks": (1, 15)}


def test_clusters_find_planted_quanta():
    board = simulate_quanta(
        np.linspace(-2, 4, 80), 150, kind="monogenic", quanta=1000, persistent=True, guess=0.03, slip=0.05, seed=1
    )
    found = residual_clusters(board, **QUICK)
    truth = board.true_quantum.sel(task=found.task)
    assert max(adjusted_rand_score(truth, row) for row in found.cluster.values) > 0.3
    assert found.p_cohesion == pytest.approx(0.1)  # the smallest that nine shuffles allow


def test_null_is_rejected_in_its_nominal_share():
    p = [float(residual_clusters(two_parameter_board(seed), seed=seed, **QUICK).p_cohesion) for seed in range(16)]
    assert np.mean(np.array(p) <= 0.2) <= 0.45 and np.mean(p) > 0.3


def test_relatives_that_deviate_together_are_no_cluster():
    p, family = [], np.arange(80) % 10
    for seed in range(10):
        rng = np.random.default_rng(seed)
        chance = expit(rng.normal(0, 1.5, (80, 1)) - rng.normal(0, 1.5, 100) + rng.standard_normal((10, 100))[family])
        board = from_arrays(rng.binomial(1, chance), agents=[f"a{i}" for i in range(80)], tasks=[f"t{j}" for j in range(100)])
        board = board.assign_coords(llm=("agent", [f"{chr(97 + f)}-1" for f in family]))
        p.append(float(residual_clusters(board, seed=seed, **QUICK).p_cohesion))
    assert np.mean(p) > 0.25  # .5 in the mean where the test keeps its level


@pytest.mark.parametrize("agents", [14, 15])
def test_few_agents_are_refused(agents):
    with pytest.raises(ValueError, match="directions, fewer than 30") as caught:
        residual_clusters(two_parameter_board(0, agents), **QUICK)
    assert "\n" not in str(caught.value)


def test_residuals_have_no_missing_and_unit_scale():
    residual = task_residuals(two_parameter_board(3))
    assert residual.dims == ("task", "agent") and np.isfinite(residual).all() and 0.7 < float(residual.std()) < 1.2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda b: reversal_rates(b, gaps=(0.3, 0.1)), "must rise"),
        (lambda b: reversal_rates(b, by="luck"), "by 'luck' is unknown"),
        (lambda b: reversal_rates(b, by="ability"), "together with a fit"),
        (lambda b: reversal_rates(b, solved=0.2, failed=0.8), "below solved"),
        (lambda b: reversal_rates(b.isel(agent=[0])), "only one"),
        (lambda b: discrimination_complexity(b, b.difficulty, measure="size"), "measure 'size' is unknown"),
        (lambda b: discrimination_complexity(b, b.difficulty.where(False)), "that differ are needed"),
        (lambda b: residual_clusters(b, n_clusters=(5, 500)), "half of the"),
        (lambda b: residual_clusters(b, n_clusters=(1, 5)), "between 2"),
        (lambda b: task_residuals(b, least=1000), "no task was solved"),
    ],
)
def test_bad_input(call, words):
    board = two_parameter_board(1, agents=40, tasks=60)
    board = board.assign_coords(difficulty=("task", np.arange(60.0)))
    with pytest.raises(ValueError, match=words):
        call(board)
