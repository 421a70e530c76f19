"""Outcomes that say too little, folds without a fit, and what a fit leaves unexplained."""

import importlib
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.describing import describe
from agentirt_nb.irt import evaluation
from agentirt_nb.irt.evaluation import cross_validate, evaluate
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.tables import task_table
from agentirt_nb.messages import AgentirtError


def simulated(agents=24, tasks=20, *, seed=0, inverted=0, trials=1, ran=1.0, slopes=0.0, spread=1.2, **parts):
    rng = np.random.default_rng(seed)
    able, hard = rng.normal(0, spread, (agents, 1)), rng.normal(0, 1.5, tasks)
    p = expit(np.exp(rng.normal(0, slopes, tasks)) * (able - hard))
    p[:, :inverted] = 1 - p[:, :inverted]
    n = np.where(rng.random(p.shape) < ran, trials, 0)
    who = pd.DataFrame(parts, index=[f"a{i}" for i in range(agents)])
    return from_arrays(rng.binomial(n, p), n, agents=who, tasks=[f"t{j}" for j in range(tasks)])


def two_labs(**parts):
    outcomes = simulated(16, 20, **parts)
    left = (np.arange(16) < 8)[:, None] == (np.arange(20) < 10)
    return outcomes.assign({name: outcomes[name].where(left, 0) for name in ("successes", "trials")})


def quick(outcomes, **how):
    return fit(outcomes, progress=False, draws=100, **how)


@pytest.mark.parametrize("ability", ["agent", "llm_scaffold"])
def test_the_verdict_says_which_groups_share_no_task(ability):
    found = quick(two_labs(), ability=ability)
    assert "2 groups (8, 8 agents)" in found.attrs["verdict"] and "rest on the prior" in found.attrs["verdict"]
    assert found.attrs["adequacy"] == "doubtful"
    assert quick(simulated(16, 20), ability=ability).attrs["adequacy"] == "sound"


def test_an_llm_in_both_groups_links_them_where_ability_is_split_and_only_there():
    outcomes = two_labs(llm=[f"llm {i % 8}" for i in range(16)])
    assert "share no task" not in quick(outcomes).attrs["verdict"]
    assert "share no task" in quick(outcomes, ability="agent").attrs["verdict"]


def test_the_verdict_names_a_task_whose_check_is_inverted():
    found = quick(simulated(40, 30, inverted=1), ability="agent")
    assert "fail 1 task of 30 more often: t0;" in found.attrs["verdict"]
    assert found.attrs["adequacy"] == "doubtful"


BOARDS = {
    "regular": dict(agents=60, tasks=90),
    "sparse": dict(agents=60, tasks=200, ran=0.2),
    "14 x 100": dict(agents=14, tasks=100),
    "2pl": dict(agents=60, tasks=90, slopes=0.5),
    "noise": dict(agents=24, tasks=23, spread=0.0),
}


@pytest.mark.parametrize("name, share", [("regular", 1.0), ("sparse", 0.9), ("14 x 100", 0.75), ("2pl", 0.95), ("noise", 0.0)])
def test_inverted_checks_are_found_and_regular_ones_left_alone(name, share):
    screens = importlib.import_module("agentirt_nb.irt.screens")
    alarm = lambda inverted, seed: bool(
        screens.inverted_tasks(simulated(seed=seed, inverted=inverted, **BOARDS[name])).inverted.any()
    )
    assert np.mean([alarm(0, seed) for seed in range(8)]) <= 0.05
    if share:
        assert np.mean([alarm(BOARDS[name]["tasks"] // 10, seed) for seed in range(8)]) >= share - 0.25


def test_tables_and_descriptions_mark_tasks_without_a_pass():
    outcomes = simulated()
    outcomes["successes"][:, 0], outcomes["successes"][:, 1] = 0, outcomes["trials"][:, 1]
    outcomes["successes"][:, 2] = outcomes["trials"][:, 2] = 0
    table = task_table(quick(outcomes, ability="agent")).set_index("task").solved_by
    assert table[["t0", "t1", "t2"]].tolist() == ["nobody", "everybody", "not run"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = [line for line in describe(outcomes).sentences() if "rests on the prior" in line]
    assert len(said) == 1 and "t0" in said[0]


def test_cells_of_a_million_trials_give_an_answer_or_one_sentence():
    for seed in range(3):
        outcomes = simulated(10, 20, trials=10**6, seed=seed)
        try:
            found = quick(outcomes, ability="agent")
        except AgentirtError as error:
            assert "1,000,000 trials" in str(error) and "divide" in str(error)
        else:
            assert np.isfinite(found.posterior.ability).all()


def test_one_fold_without_a_fit_does_not_lose_the_others(monkeypatch):
    whole, calls = evaluation._predict_fold, []

    def breaks(outcomes, fold, number, *rest):
        calls.append(number)
        if number == 1:
            raise FitError("this fold cannot be fitted.")
        return whole(outcomes, fold, number, *rest)

    monkeypatch.setattr(evaluation, "_predict_fold", breaks)
    how = dict(ability="agent", draws=100, folds=4, workers=1, progress=False)
    with pytest.warns(UserWarning, match="Fold 1 has no predictions: this fold cannot be fitted"):
        found = cross_validate(simulated(), "tasks", "random", **how)
    known = found.probability.sel(predictor="model").notnull().all("agent")
    assert (known == (found.fold != 1)).all() and sorted(calls) == [0, 1, 2, 3]
    assert found.attrs["converged"] == "no" and found.attrs["folds_lost"] == [1]
    scores = evaluate(found, ["model"], replicates=0).sel(predictor="model", statistic="value")
    assert scores.coverage.item() == 0.75 and np.isfinite(scores.log_loss.item())


def test_where_every_fold_fails_the_reason_is_raised(monkeypatch):
    def breaks(*_):
        raise FitError("no fold can be fitted.")

    monkeypatch.setattr(evaluation, "_predict_fold", breaks)
    with pytest.raises(FitError, match="no fold can be fitted"):
        cross_validate(simulated(), "tasks", "random", folds=2, progress=False)


# Patterns in what a fit leaves over: planted in simulated outcomes of a generator of these tests' own, and absent.

KINDS = {
    "regular": dict(agents=60, tasks=90),
    "14 x 100": dict(agents=14, tasks=100, family=1),
    "sparse": dict(agents=60, tasks=200, ran=0.2),
    "five runs": dict(agents=60, tasks=90, trials=5, concentration=2.7),
    "easy": dict(agents=14, tasks=100, family=1, easy=3.0),  # many columns are all passes, and no copies
    "2pl": dict(agents=60, tasks=90, slopes=0.5, curve="2pl"),
}
PLANTED = {  # screen -> how outcomes are simulated, whether adequacy must be doubtful or bad, and how often it must be found
    "reruns": (dict(trials=5, concentration=2.7, noise="binomial"), True, 0.9),
    "inverted": (dict(inverted=9), True, 0.9),
    "groups": (dict(group=0.6), True, 0.9),
    "slopes": (dict(slopes=0.6), False, 0.8),
    "skills": (dict(skill=0.8), False, 0.9),
    "ceiling": (dict(slip=0.15), False, 0.6),
    "repeats": (dict(trials=5, concentration=2.7, repeating=1), True, 1.0),
    "copied tasks": (dict(copied=20), True, 1.0),
    "leaked": (dict(leaked=0.1), True, 0.6),  # agents of an LLM at 5 % of the others: tests/test_person_fit.py
}


def planted(agents=60, tasks=90, *, seed=0, trials=1, concentration=None, ran=1.0, family=4, **fault):
    "Outcomes of a world with one fault: `fault` is its size."
    rng, size = np.random.default_rng(1000 + seed), lambda name: fault.get(name, 0)
    able, hard, group = rng.normal(0, 1.2, (agents, 1)), rng.normal(-size("easy"), 1.5, tasks), rng.integers(0, 6, tasks)
    logit = np.exp(rng.normal(0, size("slopes"), tasks)) * (able - hard)
    logit = logit + rng.normal(0, size("group"), (agents, 6))[:, group]
    logit = logit + size("skill") * rng.standard_normal((agents, 1)) * rng.standard_normal(tasks)
    p = (1 - size("slip")) * expit(logit)
    p[:, : size("inverted")] = 1 - p[:, : size("inverted")]
    llm = np.arange(agents) // family
    p[np.ix_(llm == rng.integers(llm.max() + 1), rng.random(tasks) < size("leaked"))] = 0.98
    if concentration:
        inside = p.clip(1e-6, 1 - 1e-6)
        p = rng.beta(concentration * inside, concentration * (1 - inside))
    n = np.where(rng.random(p.shape) < ran, trials, 0)
    k = rng.binomial(n, p)
    k[: size("repeating")] = n[: size("repeating")] * (rng.random((size("repeating"), tasks)) < p[: size("repeating")])
    k[:, : size("copied")] = k[:, size("copied") : 2 * size("copied")]
    who = pd.DataFrame(dict(llm=[f"llm {i}" for i in llm]), index=[f"a{i}" for i in range(agents)])
    what = pd.DataFrame(dict(group=[f"g{i}" for i in group]), index=[f"t{j}" for j in range(tasks)])
    return from_arrays(k, n, agents=who, tasks=what)


def seen(seed, *, curve="1pl", noise="auto", **how):
    "All screens of a fit of such outcomes."
    screens = importlib.import_module("agentirt_nb.irt.screens")
    return screens.adequacy_of(fit(planted(seed=seed, **how), curve, ability="agent", noise=noise, draws=50, progress=False))


def given(outcomes, times, seed=0):
    "Outcomes whose tasks are all given so many times, in any order."
    order = np.random.default_rng(seed).permutation(np.tile(np.arange(outcomes.sizes["task"]), times))
    return outcomes.isel(task=order).assign_coords(task=[f"{i:03}" for i in range(len(order))])


def test_a_board_given_twice_or_thrice_is_said_in_full_and_tasks_that_all_pass_are_no_copies():
    twice = quick(given(planted(20, 40), 2), ability="agent")
    assert twice.attrs["adequacy"] == "bad" and "40 of 80 tasks repeat others" in twice.attrs["verdict"]
    assert "too short, by about 41 %" in twice.attrs["verdict"]
    thrice = quick(given(planted(20, 27), 3), ability="agent")
    assert "54 of 81 tasks repeat others" in thrice.attrs["verdict"] and "by about 73 %" in thrice.attrs["verdict"]
    easy = planted(20, 80, easy=2.5)
    assert int((easy.successes.sum("agent") == 20).sum()) >= 10
    assert "repeat" not in quick(easy, ability="agent").attrs["verdict"]


def six_given_twice(seed, trials=1, agents=14):
    "One skill; six of forty tasks repeat others of the same group."
    rng = np.random.default_rng(seed)
    of = rng.permutation(np.r_[np.arange(34), rng.choice(34, 6, replace=False)])
    p = expit(rng.normal(0.3, 1.2, (agents, 1)) - rng.normal(0, 1.4, 40))
    what = pd.DataFrame(dict(group=[f"g{i}" for i in of % 4]), index=[f"t{j}" for j in range(40)])
    k = rng.binomial(trials, p)[:, of]
    return from_arrays(k, np.full(k.shape, trials), agents=[f"a{i}" for i in range(agents)], tasks=what)


@pytest.mark.parametrize("trials, agents", [(1, 14), (5, 14), (1, 60)])
def test_copies_alone_are_named_as_the_fault_by_the_verdict_and_by_the_diagnosis(trials, agents):
    screens, soundness = (importlib.import_module(f"agentirt_nb.irt.{name}") for name in ("screens", "soundness"))
    shifts = importlib.import_module("agentirt_nb.irt.differences").group_shifts
    named, others, skills, parts = [], [], [], []
    for seed in range(8):
        fitted = quick(six_given_twice(seed, trials, agents), ability="agent")
        flagged = screens.adequacy_of(fitted).flagged
        named.append(bool(flagged.sel(screen="copied tasks")))
        others.append(bool(flagged.drop_sel(screen="copied tasks").any()))
        skills.append(soundness.dimensionality(fitted, seed=0).attrs["skills"])
        parts.append(bool((shifts(fitted).q <= 0.05).any()))
    assert sum(named) >= 6 and sum(others) <= 1 and sum(x > 1 for x in skills) <= 1 and sum(parts) <= 1


def test_beyond_the_limit_of_pairs_equal_tasks_are_still_found(monkeypatch):
    screens = importlib.import_module("agentirt_nb.irt.screens")
    fitted = quick(planted(copied=20), ability="agent")
    sizes = [screens.adequacy_of(fitted)["size"].sel(screen="copied tasks").item()]
    monkeypatch.setattr(screens, "_MOST_PAIRS", 50)
    sizes.append(screens.adequacy_of(fitted)["size"].sel(screen="copied tasks").item())
    np.testing.assert_allclose(sizes, 20 / 90, atol=0.03)


def test_an_agent_that_repeats_itself_is_named_once_and_not_for_leaks():
    found = seen(0, trials=5, concentration=2.7, repeating=1)
    assert found.attrs["adequacy"] == "doubtful" and "Reruns of 1 agent repeat each other" in found.attrs["says"]
    assert found["size"].sel(screen="repeats").item() == 1 / 60
    assert not found.flagged.sel(screen=["leaked", "surprising", "copied tasks"]).any()
    few = seen(0, agents=6, tasks=40, trials=5, repeating=1)
    assert few.attrs["adequacy"] == "doubtful" and "(a0)" in few.attrs["says"]
    assert seen(1, agents=6, tasks=40, trials=5).attrs["adequacy"] == "not checked"


def test_a_fit_of_one_named_group_says_that_others_are_not_in_it_and_stays_sound():
    outcomes = planted()
    for group, said in (("django", True), ("", False)):
        found = quick(outcomes.assign_coords(group=("task", [group] * 90)), ability="agent")
        assert ("All tasks are of one group (django)" in found.attrs["verdict"]) == said
        assert found.attrs["adequacy"] == "sound"


@pytest.mark.parametrize("kind", ["regular", "14 x 100", "five runs"])
def test_a_model_that_is_right_is_sound(kind):
    assert any(seen(seed, **KINDS[kind]).attrs["adequacy"] == "sound" for seed in range(2))


@pytest.mark.parametrize("screen", PLANTED)
def test_what_is_planted_is_found_and_named(screen):
    how, grave, _ = PLANTED[screen]
    found = next(x for seed in range(2) if (x := seen(seed, **how).sel(screen=screen)).flagged)
    if grave:
        assert found.grade.item() in ("doubtful", "bad")
    else:  # of single cells and difficulties: said, and abilities and ranks stay sound
        assert found.grade.item() == "" and "Single cells" in str(found.says.item())


def test_the_noise_that_allows_for_it_takes_the_alarm_away():
    outcomes = planted(trials=5, concentration=2.7)
    apart, alike = (quick(outcomes, ability="agent", noise=noise) for noise in ("binomial", "beta-binomial"))
    assert apart.attrs["adequacy"] == "bad" and apart.name == "NOT CONFIRMED"
    assert "too short, by a factor of about 1.4" in apart.attrs["verdict"] and "beta-binomial" in apart.attrs["verdict"]
    assert alike.attrs["adequacy"] == "sound" and "Reruns" not in alike.attrs["verdict"]


def test_deviations_between_groups_that_a_fit_allows_for_are_no_fault_of_its_curve():
    outcomes = planted(40, 80, group=0.8)
    asked = importlib.import_module("agentirt_nb.irt.screens").adequacy_of
    apart, alike = (asked(quick(outcomes, ability="agent", groups=groups)) for groups in (False, True))
    assert apart.flagged.sel(screen="groups") and not alike.flagged.sel(screen=["groups", "floor", "ceiling"]).any()


def test_too_little_is_not_checked_and_any_curve_can_be():
    screens = importlib.import_module("agentirt_nb.irt.screens")
    few = screens.adequacy_of(quick(simulated(6, 20), ability="agent"))
    assert few.attrs["adequacy"] == "not checked" and not few.flagged.any()
    plain = quick(planted(60, 90), ability="agent")
    as_lpe = plain.copy(deep=True)  # one quantum a task: the same curve, computed as that of any fit
    as_lpe["posterior"]["exponent"] = xr.ones_like(plain.posterior.difficulty)
    as_lpe.attrs["curve"] = "lpe"
    one, other = screens.adequacy_of(plain), screens.adequacy_of(as_lpe)
    assert one.attrs["adequacy"] == other.attrs["adequacy"] == "sound"
    close = ["skills", "groups", "LLMs"]
    np.testing.assert_allclose(one["size"].sel(screen=close), other["size"].sel(screen=close), atol=0.15)


def test_a_strict_fit_has_an_exit_code_of_its_own(tmp_path, capsys):
    cli = importlib.import_module("agentirt_nb.app.cli")
    outcomes = simulated(40, 30, inverted=3)
    rows = outcomes[["successes", "trials"]].to_dataframe().reset_index()[["agent", "task", "successes", "trials"]]
    rows.to_csv(tmp_path / "runs.csv", index=False)
    how = ["fit", str(tmp_path / "runs.csv"), "--out", str(tmp_path / "f.nc"), "--ability", "agent", "--quiet", "--draws", "100"]
    assert cli.main(how) == 0 and cli.main([*how, "--strict"]) == 4
    assert "Adequacy doubtful. " in capsys.readouterr().out
    assert set(pd.read_csv(tmp_path / "f-agents.csv").adequacy) == {"doubtful"}
    assert cli.main(["predict", str(tmp_path / "f.nc")]) == 0 and "warning: Adequacy doubtful: " in capsys.readouterr().err


@pytest.mark.slow
def test_false_alarms_and_power_over_many_boards():
    for kind, how in KINDS.items():
        tables = [seen(seed, **how) for seed in range(40)]
        false = sum(table.attrs["adequacy"] in ("doubtful", "bad") for table in tables)
        named = {
            x: sum(bool(table.flagged.sel(screen=x)) for table in tables) for x in ("repeats", "copied tasks", "copied agents")
        }
        print(kind, false, named, "of", len(tables))
        assert max(false, *named.values()) <= 2  # 5 %
    for screen, (how, _, share) in PLANTED.items():
        found = np.mean([bool(seen(seed, **how).flagged.sel(screen=screen)) for seed in range(25)])
        print(screen, found)
        assert found >= share - 0.1


@pytest.mark.slow
def test_copies_and_repeats_are_found_over_many_boards():
    screens = importlib.import_module("agentirt_nb.irt.screens")
    size = lambda outcomes, screen: screens.adequacy_of(quick(outcomes, ability="agent"))["size"].sel(screen=screen).item()
    for agents, times, share in ((8, 2, 0.5), (12, 2, 0.9), (40, 2, 1.0), (40, 3, 1.0)):
        found = [size(given(planted(agents, 40, seed=seed), times, seed), "copied tasks") for seed in range(20)]
        print(agents, times, np.mean(np.array(found) > 0))
        assert np.mean(np.isclose(found, 1 - 1 / times)) >= share - 0.1
    for flips, least in ((0.03, 0.4), (0.1, 0.1)):
        found = []
        for seed in range(20):
            board, rng = given(planted(40, 60, seed=seed), 2, seed), np.random.default_rng(seed)
            board = board.assign(successes=abs(board.successes - (rng.random(board.successes.shape) < flips / 2)))
            found.append(size(board, "copied tasks"))
        print(flips, np.round(found, 2))
        assert np.mean(np.array(found) >= least) >= 0.9
