"""Fits of outcomes so small or lopsided that other packages return NaN: finite, honest, or refused in one sentence.

Boards of at most 16 agents and 32 tasks share their programs, as do fits of as many draws: 200 where these do not matter."""

import numpy as np
import pandas as pd
import pytest

from agentirt_nb.data.building import from_arrays, from_long
from agentirt_nb.data.outcomes import OutcomesError
from agentirt_nb.irt.combinations import compare_combinations
from agentirt_nb.irt.comparison import compare, deciding_tasks
from agentirt_nb.irt.evaluation import cross_validate, evaluate, reliability
from agentirt_nb.irt.fit_header import header_lines
from agentirt_nb.irt.fits import draws, open_fit, save_fit, summarise
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import described, described_agents, feature_effects, predict
from agentirt_nb.irt.rates import expected_pass_rate
from agentirt_nb.irt.resampling import family_weights, relatives
from agentirt_nb.irt.scoring import score
from agentirt_nb.irt.snapshot import simulate_outcomes
from agentirt_nb.irt.tables import feature_table, fit_tables, ladder, tried

RNG = np.random.default_rng(0)


def outcomes(cells, llm=None, scaffold=None, trials=None, benchmark=None):
    "Agents a0, a1, … on tasks t0, t1, …"
    cells = np.asarray(cells)
    n, m = cells.shape
    agents = pd.DataFrame({"llm": llm or [""] * n, "scaffold": scaffold or [""] * n}, index=[f"a{i}" for i in range(n)])
    tasks = pd.DataFrame({"benchmark": benchmark or ["b"] * m}, index=[f"t{j}" for j in range(m)])
    return from_arrays(cells, trials, agents=agents, tasks=tasks)


def coin(*shape):
    return RNG.integers(0, 2, shape)


SMALL = {
    "one cell": outcomes([[1]]),
    "one agent": outcomes([[1, 0, 1, 1, 0]]),
    "one task": outcomes([[1], [0]]),
    "all pass": outcomes(np.ones((3, 4), int)),
    "all fail": outcomes(np.zeros((3, 4), int)),
    "one LLM": outcomes(coin(5, 10), ["A"] * 5, ["X", "Y", "X", "Y", "Z"]),
    "nothing disclosed": outcomes(coin(5, 10)),
    "disjoint benchmarks": outcomes(
        np.where(np.kron(np.eye(2), np.ones((3, 10))) > 0, coin(6, 20), np.nan),
        list("ABCDEF"),
        ["X"] * 6,
        None,
        ["b1"] * 10 + ["b2"] * 10,
    ),
    "five trials": outcomes(RNG.integers(0, 6, (6, 8)), list("AABBCC"), ["X", "Y"] * 3, np.full((6, 8), 5)),
    "an agent that never ran": outcomes(np.vstack([coin(3, 8), np.full((1, 8), np.nan)]), list("ABCD"), ["X"] * 4),
    "one cell in ten": outcomes(
        np.where(RNG.random((16, 32)) < 0.1, coin(16, 32), np.nan),
        [f"L{i % 7}" for i in range(16)],
        [f"S{i % 5}" for i in range(16)],
    ),
    "a perfect order": outcomes((np.arange(16)[:, None] >= np.arange(16)[None]).astype(int)),
}
NO_DIFFERENCES = {"one cell", "one agent", "all pass", "all fail"}


@pytest.mark.parametrize("ability", ["agent", "llm_scaffold"])
@pytest.mark.parametrize("curve", ["1pl", "2pl"])
@pytest.mark.parametrize("name", SMALL)
def test_posteriors_are_finite_or_the_model_is_refused(name, curve, ability):
    if curve == "2pl" and name in NO_DIFFERENCES:
        with pytest.raises(ValueError, match="use curve='1pl'"):
            fit(SMALL[name], curve, ability=ability, draws=200, progress=False)
        return
    result = fit(SMALL[name], curve, ability=ability, draws=200, progress=False)
    assert all(bool(np.isfinite(x).all()) for x in result.posterior.data_vars.values())
    p = predict(result)
    assert bool((p.lower <= p.upper).all())  # the mean of a very lopsided distribution may lie outside its interval
    assert 0 < float(p.probability.min()) <= float(p.probability.max()) < 1


def test_the_2pl_falls_back_to_equal_slopes_where_few_agents_cannot_tell_them_apart():
    rng = np.random.default_rng(1)
    theta, b = rng.normal(0, 2, 14), rng.normal(0, 2, 200)
    cells = rng.binomial(1, 1 / (1 + np.exp(b - theta[:, None])))
    slopes = fit(outcomes(cells), "2pl", ability="agent", progress=False).posterior.discrimination.mean(["chain", "draw"])
    assert float(slopes.max()) < 2.5
    assert float(slopes.min()) > 0.4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"curve": "3pl"}, "curve '3pl' is unknown"),
        ({"curve": "lpe"}, "`fit_tasks` fits the others"),
        ({"ability": "llm"}, "ability 'llm' is unknown"),
        ({"method": "vi"}, "method 'vi'"),
    ],
)
def test_unknown_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        fit(SMALL["one LLM"], **options)


def test_damaged_outcomes_do_not_reach_the_fit():
    broken = SMALL["five trials"].copy(deep=True)
    broken.successes[0, 0] = 6
    with pytest.raises(OutcomesError, match="a0"):
        fit(broken)


def test_an_interrupted_save_leaves_the_old_fit(tmp_path, monkeypatch):
    first = fit(SMALL["one LLM"], draws=200, seed=1, progress=False)
    second = fit(SMALL["one LLM"], draws=200, seed=2, progress=False)
    path = save_fit(first, tmp_path / "fit.zarr")

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("xarray.DataTree.to_zarr", stop)
    with pytest.raises(KeyboardInterrupt):
        save_fit(second, path)
    assert open_fit(path).posterior.ability.equals(first.posterior.ability)
    assert [p.name for p in tmp_path.iterdir()] == ["fit.zarr"]


def test_a_fit_that_has_not_converged_says_so_first():
    with pytest.warns(UserWarning, match="NOT CONVERGED"):
        result = fit(SMALL["nothing disclosed"], method="nuts", draws=20, progress=False)  # judged by what there is
    assert (result.attrs["converged"], result.attrs["accuracy"]) == ("no", "bad")
    assert repr(result).startswith("<xarray.DataTree 'NOT CONVERGED'>")
    assert "NOT CONVERGED" in result._repr_html_()
    assert predict(result).attrs["converged"] == "no"


LOPSIDED = ["one cell", "one agent", "one task", "all pass", "all fail", "one LLM", "nothing disclosed", "five trials"]
NEW = {"llm": ["A", ""], "scaffold": ["", "X"]}
ONE_MORE = outcomes([[1]], ["A"], ["X"]).assign_coords(agent=["newcomer"])
SCORED = lambda cells: (evaluate(cells, replicates=5), reliability(cells, replicates=5))
ASKED = {
    "header": lambda f, o: header_lines(f),
    "ladders": lambda f, o: [ladder(f, name) for name in f.posterior if str(name).endswith("ability")],
    "tables to read": lambda f, o: fit_tables(f),
    "what was tried": lambda f, o: [tried(f, dim) for dim in ("agent", "llm", "scaffold")],
    "features to read": lambda f, o: feature_table(f),
    "relatives": lambda f, o: (relatives(o), family_weights(o, 10, np.random.default_rng(0))),
    "combinations": lambda f, o: compare_combinations(o, folds=2, progress=False),
    "tables": lambda f, o: [summarise(f, name, relative=relative) for name in f.posterior for relative in (False, True)],
    "all cells": lambda f, o: predict(f),
    "agents of outcomes": lambda f, o: predict(f, described_agents(o), described(o)),
    "new agents": lambda f, o: predict(f, pd.DataFrame(NEW)),
    "a new task": lambda f, o: predict(f, tasks=pd.DataFrame({"benchmark": ["b", ""]})),
    "pass rates": lambda f, o: expected_pass_rate(f),
    "a newcomer": lambda f, o: predict(score(f, ONE_MORE, seed=0), ["newcomer"]),
    "a new task tried": lambda f, o: score(f, o.isel(task=[0]).assign_coords(task=["new"]), seed=0),
    "features": lambda f, o: feature_effects(f),
    "simulated": lambda f, o: simulate_outcomes(f, seed=0),
    "new responses": lambda f, o: SCORED(cross_validate(o, "responses", "random", folds=2, draws=200, progress=False)),
    "new tasks": lambda f, o: SCORED(cross_validate(o, "tasks", folds=2, draws=200, progress=False)),
    "new agents held back": lambda f, o: SCORED(cross_validate(o, "agents", folds=2, draws=200, progress=False)),
}
SPLIT = ("one cell", "one LLM", "nothing disclosed")  # where a split of abilities has least to go by
MAY_BE_REFUSED = {"features", "features to read", "combinations", "new agents", "agents of outcomes"}
MAY_BE_REFUSED |= {"new responses", "new tasks", "new agents held back"}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "ability"),
    [
        *((name, "agent") for name in LOPSIDED),
        *(pytest.param(name, "llm_scaffold", marks=() if name in SPLIT else pytest.mark.slow) for name in LOPSIDED),
    ],
)
def test_every_question_is_answered_or_refused_in_one_sentence(name, ability, tmp_path):
    small = SMALL[name]
    made = fit(small, ability=ability, draws=200, progress=False)
    for suffix in (".nc", ".zarr"):
        again = open_fit(save_fit(made, tmp_path / f"fit{suffix}"))
        assert all(again.posterior[x].equals(made.posterior[x]) for x in made.posterior)
    for question, ask in ASKED.items():
        folds = question in ("new responses", "new tasks", "new agents held back")
        if folds and (ability == "llm_scaffold" or name in ("one cell", "all fail", "five trials")):
            continue  # folds take most of the time
        try:
            ask(made, small)
        except ValueError as error:
            sentence = str(error)
            assert question in MAY_BE_REFUSED, (question, sentence)
            assert "\n" not in sentence and sentence.endswith(".") and len(sentence) < 250, (question, sentence)
            assert "reshape" not in sentence, question


@pytest.mark.parametrize("known", [[], ["llm"]])
def test_a_table_without_llms_or_scaffolds_has_empty_tables_of_them(known):
    table = pd.DataFrame({"agent": np.repeat(list("abcd"), 12), "task": np.tile(range(12), 4), "success": coin(48)})
    bare = from_long(table.assign(llm=np.repeat(["A", "A", "B", "C"], 12)) if known else table)
    made = fit(bare, draws=200, progress=False)
    for part in ("llm", "scaffold") if known else ():  # where nothing is known, nothing is split
        rows = {"llm": 3}.get(part, 0)
        assert draws(made, f"{part}_ability").shape == (200, rows)
        assert len(summarise(made, f"{part}_ability", relative=True).to_dataframe()) == rows
        assert ladder(made, f"{part}_ability").sizes[part] == rows
    assert set(fit_tables(made)) == {"agents", "tasks"} | ({"llms"} if known else set())
    assert [len(x) for name, x in fit_tables(made).items() if name in ("agents", "tasks")] == [4, 12]
    plain = fit(bare, ability="agent", draws=200, progress=False)
    means = [summarise(x, relative=True)["mean"].values for x in (made, plain)]
    assert np.abs(means[0] - means[1]).max() < (0.5 if known else 1e-9)  # up to the difference of priors


def test_of_a_split_is_warned_where_there_is_one_and_it_rests_on_the_prior():
    cells = [[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]
    warns = lambda *parts: "rests on the prior" in fit(outcomes(cells, *parts), draws=200, progress=False).attrs["verdict"]
    assert not warns()  # nothing is disclosed: there is nothing to split
    assert not warns(list("AABB"), list("XYXY"))
    assert warns(list("ABCC"), list("XYZZ"))


def test_what_a_task_adds_is_unknown_where_no_draws_are_left_to_tell():
    made = fit(outcomes([[1], [1], [0]]), progress=False)
    first, second = made["posterior"].agent.values[:2]
    assert np.isnan(deciding_tasks(made, first, second).adds.item())  # two that did alike: not a few draws that say -0.9
    lead = compare(fit(outcomes([[1, 1, 0], [1, 0, 1], [1, 0, 0]]), progress=False), "a0", "a1").sel(by="tasks drawn again")
    assert -1 <= lead.lower.item() < lead.upper.item() <= 1
