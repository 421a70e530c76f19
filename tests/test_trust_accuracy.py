"""What a fit says of its own accuracy: silent where it is right, loud where it is wrong; and where it used to be wrong."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.joining import combine
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt import laplace
from agentirt_nb.irt.accuracy import pareto_k
from agentirt_nb.irt.fits import alarm, summarise
from agentirt_nb.irt.inference import fit


def board(seed: int, agents: int, tasks: int, *, ability: float = 1.5, slopes: float = 0.0, run: float = 1.0) -> xr.Dataset:
    "Single trials from the model: sd of ability, sd of log discrimination, share of the cells that were run."
    rng = np.random.default_rng(seed)
    theta, b, a = rng.normal(0, ability, agents), rng.normal(0.3, 1.5, tasks), np.exp(slopes * rng.normal(size=tasks))
    cells = rng.binomial(1, expit(a * (theta[:, None] - b))).astype(float)
    cells[rng.random(cells.shape) > run] = np.nan
    return from_arrays(cells, agents=[f"a{i:02d}" for i in range(agents)], tasks=[f"t{j:03d}" for j in range(tasks)])


def settled(result: xr.DataTree) -> float:
    "Share of pairs of agents of which one is better with a probability above .95."
    ability = result.posterior.ability.values.reshape(-1, result.posterior.sizes["agent"])
    better = np.array([(ability[:, [i]] > ability).mean(0) for i in range(ability.shape[1])])
    pairs = better[np.triu_indices(len(better), 1)]
    return float(((pairs > 0.95) | (pairs < 0.05)).mean())


CALIBRATED = {
    "regular": ("1pl", dict(agents=60, tasks=90)),
    "few agents": ("1pl", dict(agents=14, tasks=100)),
    "sparse": ("1pl", dict(agents=60, tasks=90, run=0.3)),
    "2PL": ("2pl", dict(agents=60, tasks=90, slopes=0.4)),
    "2PL of few agents": ("2pl", dict(agents=14, tasks=100, slopes=0.4)),
}


def alarms(kind: str, seeds: range, check: bool | str = True) -> list[str]:
    curve, how = CALIBRATED[kind]
    fits = [fit(board(seed, **how), curve, ability="agent", seed=seed, check=check, progress=False) for seed in seeds]
    assert all(result.attrs["accuracy"] != "not checked" for result in fits)
    return [f"{seed}: {result.attrs['verdict']}" for seed, result in zip(seeds, fits) if alarm(result)]


@pytest.mark.parametrize("kind", ["regular", "few agents", "2PL"])
def test_no_alarm_where_the_model_is_true(kind):
    assert alarms(kind, range(2)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", CALIBRATED)
def test_at_most_one_alarm_in_twenty_boards_where_the_model_is_true(kind):
    assert len(alarms(kind, range(20))) <= 1


BOARDS = ("swebench_verified", "swebench_pro", "terminal_bench", "gso")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("curve", ["1pl", "2pl"])
@pytest.mark.parametrize("leaderboard", BOARDS)
def test_the_seed_does_not_decide_the_grade(leaderboard, curve):
    outcomes = load_leaderboard(leaderboard)
    assert len({fit(outcomes, curve, seed=seed, check=True, progress=False).attrs["accuracy"] for seed in range(4)}) == 1


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("curve", ["1pl", "2pl"])
def test_four_leaderboards_jointly_are_sound_for_every_seed(curve):
    outcomes = combine([load_leaderboard(name) for name in BOARDS])
    for seed in range(4):  # by a 2PL abilities lay 1.3 to 2 standard deviations beside
        found = fit(outcomes, curve, seed=seed, check=True, progress=False)
        assert found.attrs["accuracy"] == "sound", found.attrs["verdict"]


def spoiled(monkeypatch, scale: float, beside: float) -> None:
    "Let the approximation be wrong: its sds scaled, its abilities moved by so many sds, up or down by chance."
    drawn = laplace._draw_effects

    def wrong(state, mode, draws, rng):
        w, scales, log_ratio = drawn(state, mode, draws, rng)
        ability = w[:, : state.effects] @ state.design.T
        move = beside * ability.std(0) * np.where(np.random.default_rng(0).random(ability.shape[1]) < 0.5, 1, -1)
        new = w.mean(0) + scale * (w - w.mean(0))
        new[:, : state.effects] += np.linalg.pinv(state.design) @ move
        variance = np.array([state.variance(x) for x in scales])
        energy = lambda x: -0.5 * (x[:, : state.effects] ** 2 / variance).sum(1)  # the prior is part of the ratio
        return new, scales, log_ratio + energy(new) - energy(w)

    monkeypatch.setattr(laplace, "_draw_effects", wrong)


@pytest.mark.parametrize(("scale", "beside"), [(0.7, 0.0), (1.0, 0.5)])
def test_an_alarm_where_the_draws_are_wrong(monkeypatch, scale, beside):
    spoiled(monkeypatch, scale, beside)
    for seed in range(4):
        result = fit(board(seed, 60, 90), ability="agent", seed=seed, progress=False)
        assert alarm(result) == "NOT CONFIRMED", result.attrs["verdict"]


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "beside"), [(0.7, 0.0), (1.0, 0.5)])
@pytest.mark.parametrize("kind", ["regular", "few agents", "sparse"])
def test_alarms_in_nine_of_ten_boards_where_the_draws_are_wrong(monkeypatch, kind, scale, beside):
    spoiled(monkeypatch, scale, beside)
    assert len(alarms(kind, range(20), check="auto")) >= 18  # check=True would put it right


def test_nothing_is_settled_in_noise_and_the_old_way_there_is_alarming(monkeypatch):
    noise = board(1, 24, 23, ability=0.0)
    result = fit(noise, "2pl", ability="agent", seed=0, progress=False)
    assert settled(result) == 0
    assert float(result.posterior.ability_sd.mean()) < 0.5
    monkeypatch.setattr(laplace, "_TELLING", 0.0)  # the unit of the 2PL from its mode, whatever the evidence
    old = fit(noise, "2pl", ability="agent", seed=0, check=True, progress=False)
    assert settled(old) > 0.05
    assert alarm(old) == "NOT CONFIRMED"


def test_draws_too_far_out_for_single_precision_have_no_weight():
    "A third of the proposals lie at slopes that overflow: their weights were NaN, and all draws of the fit one and the same."
    result = fit(board(30, 24, 23, ability=0.0), "2pl", ability="agent", seed=30, progress=False)
    assert len(np.unique(result.posterior.ability.values[0], axis=0)) > 300
    assert settled(result) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(24, 23), (50, 50)])
def test_next_to_nothing_is_settled_in_twenty_boards_of_noise(shape):
    shares = [settled(fit(board(s, *shape, ability=0.0), "2pl", ability="agent", seed=s, progress=False)) for s in range(20)]
    assert np.mean(shares) <= 0.01


# patterns of five answers, read as binary numbers, and how many of a thousand people gave them (Bock and Lieberman 1970)
LSAT_6 = {
    0: 3,
    1: 6,
    2: 2,
    3: 11,
    4: 1,
    5: 1,
    6: 3,
    7: 4,
    8: 1,
    9: 8,
    11: 16,
    13: 3,
    14: 2,
    15: 15,
    16: 10,
    17: 29,
    18: 14,
    19: 81,
}
LSAT_6 |= {20: 3, 21: 28, 22: 15, 23: 80, 24: 16, 25: 56, 26: 21, 27: 173, 28: 11, 29: 61, 30: 28, 31: 298}


def test_a_thousand_people_on_five_questions_are_fitted_as_by_marginal_likelihood():
    people = np.repeat([[int(x) for x in f"{pattern:05b}"] for pattern in LSAT_6], list(LSAT_6.values()), axis=0)
    outcomes = from_arrays(people, agents=[f"p{i:04d}" for i in range(1000)], tasks=list("abcde"))
    result = fit(outcomes, ability="agent", draws=8000, seed=0, progress=False)
    table = summarise(result, "difficulty")
    exact, sd = np.array([-2.715, -0.999, -0.244, -1.309, -2.091]), np.array([0.129, 0.079, 0.072, 0.084, 0.105])
    sd = np.sqrt(sd**2 - 0.753**2 / 1000)  # ours are measured from these thousand people, those from their population
    np.testing.assert_allclose(table["mean"], exact, rtol=0.01)
    np.testing.assert_allclose(table.sd, sd, rtol=0.03)  # of it .008 is Monte Carlo error
    assert float(result.posterior.ability_sd.mean()) == pytest.approx(0.753, rel=0.03)
    np.testing.assert_allclose(result.posterior.ability.mean("agent"), 0, atol=1e-4)
    assert alarm(result) is None


def test_weights_that_are_all_the_same_but_one_have_an_answer():
    assert pareto_k(np.append(np.full(999, -700.0), 0.0)) == np.inf


def test_a_fit_that_was_not_checked_says_so_and_is_no_alarm():
    result = fit(board(0, 20, 30), ability="agent", check=False, seed=0, progress=False)
    assert (result.attrs["accuracy"], alarm(result)) == ("not checked", None)
    assert "check=True" in result.attrs["verdict"]
    assert "pareto_k" not in result.attrs
