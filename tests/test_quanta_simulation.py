"""The simulator of quanta on tasks: laws, copies of boards, and what it refuses."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.outcomes import open_outcomes, save_outcomes, validate
from agentirt_nb.quanta.simulation import KINDS, response_probability, simulate_quanta


def thresholds(rows):
    return xr.DataArray(rows, dims=("task", "slot"), coords={"task": np.arange(len(rows))})


def abilities(values):
    return xr.DataArray(values, dims="agent", coords={"agent": np.arange(len(values))})


@pytest.mark.parametrize("kind", KINDS)
def test_response_equals_its_formula(kind):
    theta, delta = np.linspace(-3, 3, 7), [0.5] if kind == "monogenic" else [-1.0, 0.5, 2.0]
    found = response_probability(abilities(theta), thresholds([delta]), kind, slope=1.5, guess=0.1, slip=0.2).values[:, 0]
    s = expit(1.5 * (theta[:, None] - np.array(delta)))
    plain = {
        "monogenic": s[:, 0],
        "conjunctive": s.prod(1),
        "disjunctive": 1 - (1 - s).prod(1),
        "additive": expit(6 * (s.mean(1) - 0.5)),
    }[kind]
    np.testing.assert_allclose(found, 0.1 + 0.7 * plain, atol=1e-12)


def test_thousands_of_quanta_do_not_underflow():
    many = np.full((1, 5000), 0.0)
    p = response_probability(abilities([-50.0, 8.0, 20.0]), thresholds(many), "conjunctive").values[:, 0]
    np.testing.assert_allclose(p[1], np.exp(-5000 * np.log1p(np.exp(-8.0))), rtol=1e-9)
    assert p[0] == 0 and p[2] > 0.99998
    far = response_probability(abilities([-40.0]), thresholds([[0.0, 0.0]]), "disjunctive").values.item()
    assert far == pytest.approx(2 * np.exp(-40.0), rel=1e-9)


def test_missing_slots_are_left_out():
    ragged = thresholds([[0.0, np.nan, np.nan], [0.0, 1.0, 2.0]])
    p = response_probability(abilities([0.7]), ragged).values[0]
    assert p[0] == pytest.approx(expit(0.7)) and p[1] < p[0]
    with pytest.raises(ValueError, match="at least one threshold"):
        response_probability(abilities([0.7]), thresholds([[np.nan]]))
    with pytest.raises(ValueError, match="monogenic"):
        response_probability(abilities([0.7]), thresholds([[0.0, 1.0]]), "monogenic")


@pytest.mark.parametrize("kind", KINDS)
def test_boards_validate_and_carry_the_truth(kind):
    needed = 1 if kind == "monogenic" else 6
    board = simulate_quanta(12, 40, kind=kind, needed=needed, rho=0.3, kappa=0.5, trials=4, seed=3)
    assert validate(board).identical(board) and board.attrs["kind"] == "simulated"
    assert board.attrs["c"] == pytest.approx(0.15) and board.attrs["slope"] == pytest.approx(1.0)
    assert (board.true_needed == needed).all() and board.true_probability.dims == ("agent", "task")
    at = response_probability(  # half way at the emergence point
        abilities(board.true_emergence.values[:1]), thresholds(board.true_hardest.values[:1, None]), "conjunctive"
    )
    assert at.item() >= 0.5 or kind in ("disjunctive", "additive")
    steps = np.linspace(-0.5, 0.5, 3)
    same = simulate_quanta(board.true_emergence.values[0] + steps, 40, kind=kind, needed=needed, rho=0.3, kappa=0.5, first=0.0)
    assert (np.diff(same.true_probability.values, axis=0) > 0).all()  # rises with ability


def test_same_seed_same_board_and_other_seed_another():
    one, two, three = (simulate_quanta(10, 20, needed="geometric", seed=seed) for seed in (1, 1, 2))
    assert one.identical(two) and one.attrs["content_hash"] != three.attrs["content_hash"]


def test_strict_order_is_nested():
    board = simulate_quanta(15, 60, sharpness=np.inf, needed="geometric", seed=4)
    won = board.successes.isel(agent=np.argsort(board.true_ability.values)).values
    assert (np.diff(won, axis=0) >= 0).all()
    assert set(np.unique(board.true_probability)) <= {0.0, 1.0}


def test_like_copies_trials_missing_cells_and_labels():
    rng = np.random.default_rng(0)
    n = rng.integers(0, 4, (8, 30))
    k = rng.binomial(n, np.linspace(0.2, 0.8, 8)[:, None])
    real = from_arrays(k, n, agents=[f"a{i}" for i in range(8)], tasks=[f"t{j}" for j in range(30)])
    copy = simulate_quanta(like=real, needed="lognormal", mean_needed=3, guess=0.02, interaction_sd=1.0, seed=5)
    assert (copy.trials == real.trials).all() and list(copy.agent.values) == list(real.agent.values)
    wanted = float(real.successes.sum() / real.trials.sum())
    weighted = float((copy.true_probability * copy.trials).sum() / copy.trials.sum())
    assert weighted == pytest.approx(wanted, abs=2e-3) and "human_time" in copy.coords
    with pytest.raises(ValueError, match="leave agents="):
        simulate_quanta(5, like=real)


def test_boards_can_be_saved(tmp_path):
    board = simulate_quanta(5, 8, sharpness=np.inf, quanta=50, seed=1)
    back = open_outcomes(save_outcomes(board, tmp_path / "board.nc"))
    assert back.attrs["content_hash"] == board.attrs["content_hash"] and "true_quantum" in back.coords


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"agents": -1, "tasks": 3}, "whole numbers from 1"),
        ({"agents": True, "tasks": 3}, "whole numbers from 1"),
        ({"agents": 3, "tasks": 2.5}, "whole numbers from 1"),
        ({"agents": [0.0, np.nan], "tasks": 3}, "finite abilities"),
        ({"agents": 3, "tasks": 3, "kind": "magic"}, "unknown"),
        ({"agents": 3, "tasks": 3, "needed": "often"}, "unknown"),
        ({"agents": 3, "tasks": 3, "needed": [1, 2]}, "one per task"),
        ({"agents": 3, "tasks": 3, "needed": 0}, "from 1"),
        ({"agents": 3, "tasks": 3, "rho": 0.0}, "rho=0.0 must be positive"),
        ({"agents": 3, "tasks": 3, "rho": np.nan}, "must be positive"),
        ({"agents": 3, "tasks": 3, "guess": 0.6, "slip": 0.5}, "sum below 1"),
        ({"agents": 3, "tasks": 3, "trials": 0}, "trials must be"),
        ({"agents": 3, "tasks": 3, "trials": np.ones((2, 2), int)}, "trials must be"),
        ({"agents": 3, "tasks": 3, "pass_rate": 1.0}, "cannot be reached"),
        ({"agents": 3, "tasks": 3, "quanta": 0}, "quanta=0"),
    ],
)
def test_refused_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=words) as caught:
        simulate_quanta(**options)
    assert "\n" not in str(caught.value)
