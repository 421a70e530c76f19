"Tasks that favour a class of agents: parity with R, level and power by simulation, known figures, and the simplest inputs."

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.differences import BY, differential_functioning, family_of, group_shifts, mantel_haenszel
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.inference import fit

ALMOST = 0.07  # a nominal 5 % may be at most that
REFERENCE = Path(__file__).parent / "reference"


def board(
    agents=14, tasks=100, *, seed=0, impact=0.0, slopes=0.0, runs=1, concentration=None, favoured=0, half=0.0, of=0.5, hard=1.5
):
    "Two classes of agents, the first (a share `of`) more able by `impact`; favoured tasks, or half of all, are easier for it."
    rng = np.random.default_rng(seed)
    first = np.arange(agents) < agents * of
    logit = rng.normal(0, 1.2, (agents, 1)) + impact * first[:, None] - rng.normal(0, hard, tasks)
    logit *= np.exp(rng.normal(0, slopes, tasks))
    logit[first, :favoured] += 3.0
    logit[first, : tasks // 2] += half
    p = expit(logit)
    p = p if concentration is None else rng.beta(concentration * p, concentration * (1 - p))
    who = pd.DataFrame({"llm": np.where(first, "first 1", "other 1")}, index=[f"agent {i + 1:03d}" for i in range(agents)])
    return from_arrays(
        rng.binomial(runs, p), np.full(p.shape, runs), agents=who, tasks=[f"task {j + 1:03d}" for j in range(tasks)]
    )


def fitted(curve="1pl", **how):
    return fit(board(**how), curve, ability="agent", check=False, draws=100, progress=False)


@cache
def verified():
    return fit(load_leaderboard("swebench_verified", progress=False), progress=False)


def below(values, level=0.05):
    values = np.asarray(values)
    return values[np.isfinite(values)] < level


def test_mantel_haenszel_is_that_of_r_to_a_millionth():
    counts = pd.read_csv(REFERENCE / "mantel_haenszel_tables.csv")
    found = pd.read_csv(REFERENCE / "mantel_haenszel_found.csv").set_index("table")
    for table, rows in counts.groupby("table"):
        ours = mantel_haenszel(rows[["a", "b", "c", "d"]].to_numpy().reshape(-1, 2, 2))
        for name in ("log_odds", "se", "chi2", "p"):
            np.testing.assert_allclose(float(ours[name]), found.loc[table, name], rtol=1e-6, atol=1e-9)


def test_mantel_haenszel_takes_many_tasks_at_once_and_says_nan_where_nothing_tells():
    tables = np.zeros((3, 2, 2, 2))
    tables[0], tables[1, 0] = [[10, 3], [5, 12]], [[4, 0], [2, 2]]
    found = mantel_haenszel(tables)
    one = mantel_haenszel(tables[0])
    assert float(found.log_odds[0]) == float(one.log_odds)
    assert np.isposinf(found.log_odds[1]) and np.isfinite(found.p[1])
    assert np.isnan(found.log_odds[2]) and np.isnan(found.p[2])


KINDS = {
    "14 x 100": dict(),
    "14 x 100, one class abler": dict(impact=1.0),
    "60 x 200, one class abler": dict(agents=60, tasks=200, impact=1.0),
    "60 x 200, slopes": dict(agents=60, tasks=200, impact=1.0, slopes=0.5),
    "14 x 100, alike runs": dict(runs=5, concentration=2.0),
    "60 x 200, 2pl": dict(agents=60, tasks=200, impact=1.0, slopes=0.5, curve="2pl"),
    "14 x 100, three agents": dict(of=0.2),
    "60 x 200, hard": dict(agents=60, tasks=200, hard=3.0),
}


def levels(kind, boards):
    "Shares below .05 where there is no difference: of tasks by the model and by strata, of agents on an eighth of the tasks."
    found = {"task": [], "strata": [], "part": []}
    for seed in range(boards):
        one = fitted(seed=seed, **KINDS[kind])
        table = differential_functioning(one, "llm", "first 1")
        parts = group_shifts(one, np.arange(table.sizes["task"]) % 8)
        for name, p in (("task", table.p), ("strata", table.mh_p), ("part", parts.p)):
            found[name].append(below(p))
    return {name: np.concatenate(x).mean() for name, x in found.items()}


@pytest.mark.parametrize("kind", ["14 x 100, one class abler", "60 x 200, slopes"])
def test_fair_tasks_are_called_unfair_no_more_often_than_said(kind):
    assert max(levels(kind, 4).values()) <= ALMOST + 0.02  # four boards


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fair_tasks_are_called_unfair_no_more_often_than_said_on_many_boards(kind):
    found = levels(kind, 40)
    assert max(found.values()) <= ALMOST
    assert min(found["task"], found["part"]) >= 0.03 or "three" in kind


def test_leaked_tasks_are_found_and_few_others_named():
    for seed in range(3):
        q = differential_functioning(fitted(agents=60, tasks=90, favoured=5, seed=seed), "llm", "first 1").q.values <= 0.05
        assert q[:5].sum() >= 2 and q[5:].sum() <= 2


def test_an_abler_class_is_not_called_favoured():
    table = differential_functioning(fitted(agents=60, tasks=90, impact=2.0), "llm", "first 1")
    assert (table.q <= 0.05).sum() <= 1
    assert abs(float(table["shift"].mean())) < 0.2


def test_shifts_have_the_size_that_was_planted():
    table = group_shifts(fitted(agents=60, tasks=90, half=0.8), np.arange(90) < 45, of="llm")
    first = table.sel(llm="first 1", part="True")
    assert float(first.lower) < 0.8 < float(first.upper) + 0.1 and float(first.q) < 1e-6


def test_a_single_agent_that_knows_half_of_the_benchmark_is_found_among_fourteen():
    outcomes = board(seed=1)
    k = outcomes.successes.values.copy()
    k[0, 50:] = 1
    leaked = outcomes.assign(successes=(("agent", "task"), k))
    table = group_shifts(fit(leaked, ability="agent", check=False, draws=100, progress=False), np.arange(100) >= 50)
    assert table.agent.values[int(np.argmin(table.p.sel(part="True").values))] == "agent 001"
    assert float(table.q.sel(agent="agent 001", part="True")) < 0.01
    assert "agent 001 on True" in table.attrs["says"]


def test_classes_are_made_of_what_is_known_and_errors_name_the_nearest():
    assert [family_of(x) for x in ("Claude 4 Opus", "gpt-5", "o3", "")] == ["Claude", "GPT", "GPT", ""]
    one = fitted()
    with pytest.raises(FitError, match="did you mean 'scaffold'"):
        differential_functioning(one, "scafold")
    with pytest.raises(FitError, match="did you mean 'first 1'"):
        differential_functioning(one, "llm", "frist 1")
    for by in {*BY} - {"family", "llm"}:  # this board has no scaffolds, organisations or dates
        with pytest.raises(FitError, match=f"no agent of this fit has a known {by}"):
            differential_functioning(one, by)
    with pytest.raises(FitError, match="one part"):
        group_shifts(one)
    series = pd.Series({f"agent {i + 1:03d}": i < 7 for i in range(12)})  # two agents are left out
    table = differential_functioning(one, series)
    assert (table.attrs["agents"], table.attrs["others"]) == (7, 5)


def test_a_trend_over_numbers_is_found_with_its_sign():
    outcomes = board(agents=60, tasks=90)
    years = np.linspace(0, 2, 60)
    rng = np.random.default_rng(3)
    k = outcomes.successes.values.copy()
    k[:, 0] = rng.random(60) < expit(3 * (years - 1))
    table = differential_functioning(
        fit(outcomes.assign(successes=(("agent", "task"), k)), ability="agent", check=False, draws=100, progress=False), years
    )
    assert float(table["shift"][0]) > 0.5 and table.task.values[int(np.argmin(table.p.values))] == "task 001"


@pytest.mark.parametrize("agents, tasks, rate", [(1, 6, 0.5), (2, 6, 0.5), (6, 1, 0.5), (8, 10, 1.0), (8, 10, 0.0)])
def test_the_simplest_boards_give_no_discovery_and_no_exception(agents, tasks, rate):
    k = np.random.default_rng(0).binomial(1, rate, (agents, tasks))
    outcomes = from_arrays(k, np.ones_like(k), agents=[f"a{i}" for i in range(agents)], tasks=[f"t{j}" for j in range(tasks)])
    one = fit(outcomes, progress=False, draws=50, check=False)
    if agents > 1:
        assert not (differential_functioning(one, np.arange(agents) % 2 == 0).q <= 0.05).any()
    if tasks > 1:
        assert not (group_shifts(one, np.arange(tasks) % 2).q <= 0.05).any()


@pytest.mark.data
def test_later_agents_of_verified_find_some_tasks_easier_than_their_abilities_say():
    table = differential_functioning(verified(), "date")
    found = table.task.values[table.q.values <= 0.05]
    assert 5 <= len(found) <= 40 and "sphinx-doc__sphinx-10323" in found
    assert table["shift"].attrs["units"] == "logits a year"
    after = differential_functioning(verified(), "date", after="2025-05-01")
    assert "2025-05-01" in after.attrs["who"] and (after.q <= 0.05).any()
