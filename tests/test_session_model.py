"""What a session believes: the smallest boards, words that are wrong, and that nothing depends on luck that is not its own."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.fits import FitError, open_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.session_model import (
    CRITERIA,
    SPREADS,
    believe,
    choose,
    gains,
    progress_of,
    score_of,
    session_prior,
)
from agentirt_nb.irt.snapshot import load_snapshot

FITS = Path(__file__).parent / "data" / "fits"


def board(agents, tasks, trials=1, seed=0):
    "Outcomes of a plain world."
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-(rng.normal(0, 1.5, (agents, 1)) - rng.normal(0, 2, tasks))))
    ran = np.full(chance.shape, trials)
    names = [f"a{i}" for i in range(agents)], [f"t{i}" for i in range(tasks)]
    return from_arrays(rng.binomial(ran, chance), ran, agents=names[0], tasks=names[1])


@pytest.fixture(scope="module")
def prior():
    return session_prior(load_snapshot(), benchmark="terminal_bench")


@pytest.fixture(scope="module")
def small():
    return fit(board(14, 100), progress=False)


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (8, 1), (2, 3)], ids=str)
def test_the_smallest_boards_have_a_session(size):
    known = session_prior(fit(board(*size), progress=False))
    for criterion in set(CRITERIA) - {"contrast"}:
        assert choose(known, size=9, criterion=criterion).sizes["task"] == size[1]
    done = progress_of(known, np.ones(size[1]), np.ones(size[1]))
    assert done.value.sel(of="score") == done.lower.sel(of="score") == done.upper.sel(of="score") == 1
    assert np.isfinite(done.to_array()).all()


def test_agents_with_few_runs_leave_the_usual_spreads_without_a_warning():
    outcomes = board(6, 60)
    few = outcomes.assign({name: outcomes[name].where(np.arange(60) % 12 == 0, 0) for name in ("successes", "trials")})
    result = fit(few, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known = session_prior(result)
    sd = dict(zip(known.effect.values, np.sqrt(np.diag(known.covariance))))
    assert sd["slope"] == pytest.approx(SPREADS["slope"]) and np.isfinite(known.expected).all()


def test_all_passed_and_all_failed_stay_finite(small):
    known = session_prior(small)
    for result in (0, 1):
        ran = np.ones(100) * (np.arange(100) < 60)
        found = progress_of(known, result * ran, ran)
        assert np.isfinite(found.to_array()).all()
        assert found.lower.sel(of="score") >= 0.6 * result and found.upper.sel(of="score") <= 0.4 + 0.6 * result


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda p: choose(p, criterion="scores"), "'score'"),
        (lambda p: choose(p, without=["no-such-task"]), "no-such-task"),
        (lambda p: choose(p, cost=-1.0), "above 0"),
        (lambda p: choose(p, cost=[1.0, 2.0]), "89 tasks"),
        (lambda p: choose(p, balance="grup"), "group"),
        (lambda p: choose(p, criterion="contrast"), "beside"),
        (lambda p: choose(p, beside=(np.zeros(89), np.zeros(89))), "contrast"),
        (lambda p: believe(p, np.full(89, 2), np.ones(89)), "2 passes of 1 run"),
        (lambda p: believe(p, np.zeros(3), np.ones(3)), "89 tasks"),
        (lambda p: score_of(p, believe(p), target=np.zeros(89, bool)), "one True"),
        (lambda p: progress_of(p, prob=2), "between 0 and 1"),
        (lambda p: session_prior(load_snapshot(), []), "at least one task"),
        (lambda p: session_prior(load_snapshot(), ["typo"]), "typo"),
        (lambda p: session_prior(load_snapshot(), benchmark="terminal"), "terminal_bench"),
        (lambda p: session_prior(load_snapshot(), about="a run"), "this run"),
        (lambda p: session_prior(load_snapshot(), spread=dict(bend=1.0)), "band"),
        (lambda p: session_prior(p), "fit"),
        (lambda p: choose(load_snapshot()), "session_prior"),
        (lambda p: choose(p, size=-1), "size is -1"),
        (lambda p: choose(p, size=2.5), "size is 2.5"),
        (lambda p: choose(p, repeats=2.7), "repeats is 2.7"),
        (lambda p: session_prior(load_snapshot(), ["hello-world"] * 2), "named twice"),
        (lambda p: session_prior(load_snapshot(), ["hello-world"], benchmark="gso"), "not both"),
        (lambda p: session_prior(load_snapshot(), agent=dict(lm="GPT-5")), "did you mean 'llm'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(prior, call, says):
    with pytest.raises(FitError, match=says) as error:
        call(prior)
    assert len(str(error.value)) < 300


def test_a_whole_batch_is_that_of_single_choices_without_results(prior):
    together = choose(prior, size=6, seed=1).task.values.tolist()
    assert len(set(together)) == 6
    alone = choose(prior, size=1, seed=1).task.values.tolist()
    assert together[0] == alone[0]


def test_gains_foretell_what_runs_take_from_the_variance_of_the_score(small):
    known = session_prior(small)
    rng = np.random.default_rng(0)
    ran = (rng.random(100) < 0.3).astype(int)
    passed = ran * (rng.random(100) < 0.5)
    now = believe(known, passed, ran)
    worth = gains(known, now, ran)
    before = (100 * score_of(known, now, passed, ran)[1]) ** 2
    for j in np.flatnonzero(ran == 0)[::10]:
        more = ran + (np.arange(100) == j)
        chance = choose(known, passed, ran, size=100).to_dataframe().chance[f"{known.task.values[j]}"]
        after = [
            (100 * score_of(known, believe(known, passed + result * (more - ran), more), passed + result * (more - ran), more)[1])
            ** 2
            for result in (0, 1)
        ]
        fallen = before - (1 - chance) * after[0] - chance * after[1]
        assert fallen == pytest.approx(worth[j], rel=0.35, abs=0.02 * before)


def test_costs_balance_repeats_and_what_cannot_be_run_are_honoured(prior):
    tasks = prior.task.values.tolist()
    dear = {name: 100.0 if i % 2 else 1.0 for i, name in enumerate(tasks)}
    assert set(choose(prior, size=20, cost=dear).cost.values) == {1.0}
    assert not set(choose(prior, size=89, without=tasks[:80]).task.values) & set(tasks[:80])
    shares = choose(prior, size=30, balance="group").group.to_series().value_counts() / 30
    wanted = prior.group.to_series().value_counts() / 89
    assert (shares.reindex(wanted.index).fillna(0) - wanted).abs().max() < 0.04
    ran = np.zeros(89)
    ran[:88] = 1
    assert choose(prior, 0 * ran, ran, size=5).task.values.tolist() == tasks[88:]
    assert choose(prior, 0 * ran, ran + 1, size=5).sizes["task"] == 0
    assert choose(prior, 0 * ran, ran, size=200, repeats=2).sizes["task"] == 90


def test_equal_tasks_are_chosen_by_lot(small):
    known = session_prior(small, spread=dict(slope=0.01, band=0.01, group=0.01))
    same = known.assign(offset=0 * known.offset, design=0 * known.design + known.design[0])
    first = {choose(same, seed=seed).task.values[0] for seed in range(12)}
    assert len(first) > 6
    assert choose(same, seed=3).task.values[0] == choose(same, seed=3).task.values[0]


def test_a_benchmark_that_nobody_ran_has_a_level_of_its_own():
    fresh = pd.DataFrame(dict(task=[f"t{i}" for i in range(30)], benchmark=""))
    known = session_prior(load_snapshot(), fresh)
    at = known.effect.values.tolist().index("level new benchmark")
    assert 1 < known.covariance.values[at, at] ** 0.5 < 6
    start = progress_of(known).sel(of="score")
    assert start.upper - start.lower > 0.7
    ran = np.arange(30) < 10
    later = progress_of(known, ran * (np.arange(30) < 3), ran.astype(int)).sel(of="score")
    assert later.upper - later.lower < 0.6 and later.value < 0.5


def test_repeated_runs_settle_the_true_rate_and_not_the_run(small):
    known = session_prior(small).isel(task=slice(60)).assign_attrs(alike=0.2)  # as a fit of repeated runs would say
    rate, run = (known.assign_attrs(about=about) for about in ("these tasks", "this run"))
    once, often = np.ones(60), 20 * np.ones(60)
    half = np.round(often * np.linspace(0.1, 0.9, 60))
    few, many = (progress_of(rate, np.minimum(half, ran), ran).sel(of="score") for ran in (once, often))
    assert 0 < many.upper - many.lower < few.upper - few.lower
    assert progress_of(run, once, once).sel(of="score").to_array().values.tolist() == [1, 1, 1]
    assert choose(rate, once, once, size=3, repeats=3).sizes["task"] == 3


@pytest.mark.filterwarnings("ignore:.*has no seal")
@pytest.mark.parametrize("path", sorted(set(FITS.glob("*.nc")) - {FITS / "curve_slots.nc"}), ids=lambda path: path.stem)
def test_every_kind_of_saved_fit_has_a_session(path):
    known = session_prior(open_fit(path))
    size = known.sizes["task"]
    assert (known.design.sel(effect="ability") > 0).all() and all(np.isfinite(known[name]).all() for name in known.data_vars)
    low, high = (progress_of(known, result * np.ones(size), np.ones(size)).value for result in (0, 1))
    assert (low < high).all()
    ran = (np.arange(size) < size // 2).astype(int)
    assert choose(known, 0 * ran, ran, size=2).sizes["task"] == min(2, size - size // 2)


@pytest.mark.slow
def test_intervals_hold_in_the_world_of_the_model_at_any_number_of_runs():
    known = session_prior(load_snapshot(), benchmark="swebench_verified")
    rng, held = np.random.default_rng(0), {100: [], 150: [], 200: []}
    x, offset = known.design.values.astype(float), known.offset.values
    for i in range(500):
        effects = rng.multivariate_normal(known.expected.values, known.covariance.values)
        came = rng.random(len(offset)) < 1 / (1 + np.exp(-(offset + x @ effects)))
        passed, ran = np.zeros(len(came)), np.zeros(len(came))
        for step in range(20):
            at = np.isin(known.task.values, choose(known, passed, ran, size=10, seed=20 * i + step).task.values)
            ran[at], passed[at] = 1, came[at]
            if (runs := 10 * (step + 1)) in held:
                score = progress_of(known, passed, ran).sel(of="score")
                held[runs].append(score.lower <= came.mean() <= score.upper)
    assert all(0.86 <= np.mean(x) <= 0.94 for x in held.values()), {k: np.mean(x) for k, x in held.items()}
