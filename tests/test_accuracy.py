"""The fit against published numbers, against simulated truth, and Laplace against NUTS."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.joining import combine
from agentirt_nb.data.leaderboards import fetch, load_leaderboard
from agentirt_nb.irt.fits import summarise
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import ability_draws, described, predict, task_draws
from agentirt_nb.irt.rates import expected_pass_rate
from agentirt_nb.irt.scoring import score
from agentirt_nb.irt.snapshot import simulate_outcomes

LEADERBOARDS = {
    "swebench_verified": "swebench_verified",
    "swebench_pro": "swebench_pro",
    "terminal_bench": "terminalbench",
    "gso": "gso",
}


def published(leaderboard: str) -> xr.Dataset:
    "Outcomes of `responses.jsonl` as it stands, agents in file order, tasks sorted by name."
    path = fetch(f"data/{LEADERBOARDS[leaderboard]}/responses.jsonl", progress=False)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    tasks = sorted(rows[0]["responses"])
    cells = np.array([[row["responses"][task] for task in tasks] for row in rows])
    return from_arrays(cells, agents=[row["subject_id"] for row in rows], tasks=tasks, benchmark=leaderboard)


def held_out_log_loss(leaderboard: str, model: str, **options) -> float:
    "Mean log loss over the 10 % of cells that SCIENCE's split holds out."
    outcomes = published(leaderboard)
    test = np.random.default_rng(0).random(outcomes.successes.shape) < 0.10
    train = outcomes.assign(successes=outcomes.successes.where(~test, 0), trials=outcomes.trials.where(~test, 0))
    p = predict(fit(train, model, ability="agent", seed=0, progress=False, **options)).probability
    p = p.sel(agent=outcomes.agent, task=outcomes.task).values[test].astype(float)
    y = outcomes.successes.values[test]
    return float(-np.mean(np.where(y == 1, np.log(p), np.log1p(-p))))


@pytest.mark.data
@pytest.mark.parametrize(
    ("leaderboard", "model", "bound"),
    [
        ("swebench_verified", "1pl", 0.302),
        ("swebench_verified", "2pl", 0.289),
        ("swebench_pro", "1pl", 0.368),
        ("swebench_pro", "2pl", 0.361),
        ("terminal_bench", "1pl", 0.357),
        ("terminal_bench", "2pl", 0.352),
    ],
)
def test_held_out_cells_are_predicted_as_well_as_by_full_bayes(leaderboard, model, bound):
    assert round(held_out_log_loss(leaderboard, model), 4) <= bound + 5e-4


@pytest.mark.data
@pytest.mark.parametrize(
    ("leaderboard", "bound"), [("swebench_verified", 0.998), ("swebench_pro", 0.99), ("terminal_bench", 0.99), ("gso", 0.99)]
)
def test_difficulties_agree_with_the_published_ones(leaderboard, bound):
    theirs = pd.read_csv(fetch(f"data/{LEADERBOARDS[leaderboard]}/irt/1d_1pl/items.csv", progress=False), index_col=0)["b"]
    outcomes = published(leaderboard)
    solved = outcomes.task.values[outcomes.successes.sum("agent").values > 0]
    ours = summarise(fit(outcomes, ability="agent", seed=0, progress=False), "difficulty")["mean"].to_series()
    assert np.corrcoef(ours.loc[solved], theirs.loc[solved])[0, 1] >= bound


def truth_and_outcomes(seed: int, agents: int, tasks: int) -> tuple[np.ndarray, np.ndarray, xr.Dataset]:
    "Abilities and difficulties from the model's own population, and one run of every cell."
    rng = np.random.default_rng(seed)
    theta, b = rng.normal(0, 2, agents), rng.normal(0.5, 3, tasks)
    cells = rng.binomial(1, expit(theta[:, None] - b))
    return theta, b, from_arrays(cells, agents=[f"a{i}" for i in range(agents)], tasks=[f"t{j}" for j in range(tasks)])


def coverage(agents: int, tasks: int, repeats: int) -> tuple[float, float, float]:
    "Share of true abilities, of difficulties and of those nobody or everybody solved inside their 90 % intervals."
    hits_theta, hits_b, hits_extreme = [], [], []
    for seed in range(repeats):
        theta, b, outcomes = truth_and_outcomes(seed, agents, tasks)
        result = fit(outcomes, ability="agent", seed=seed, draws=1000, progress=False)
        shift = theta.mean()  # the fit's zero is the average agent
        for truth, name, hits in [(theta - shift, "ability", hits_theta), (b - shift, "difficulty", hits_b)]:
            table = summarise(result, name, prob=0.9)
            hits.append((table.lower.values <= truth) & (truth <= table.upper.values))
        extreme = np.isin(outcomes.successes.mean("agent").values, [0, 1])
        hits_extreme.append(hits_b[-1][extreme])
    return tuple(float(np.concatenate(h).mean()) for h in (hits_theta, hits_b, hits_extreme))


def test_intervals_cover_simulated_truth():
    theta, b, extreme = coverage(agents=40, tasks=150, repeats=40)
    assert 0.87 <= theta <= 0.93
    assert 0.87 <= b <= 0.93
    assert 0.85 <= extreme <= 0.95  # fewer of them: wider bounds


def test_intervals_of_llms_and_scaffolds_cover_simulated_truth():
    hits = {"llm_ability": [], "scaffold_ability": [], "ability": []}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        llm, scaffold = (abs(rng.normal(0, scale)) * rng.normal(0, 1, n) for scale, n in [(2, 12), (1, 8)])
        llm, scaffold, b = llm - llm.mean(), scaffold - scaffold.mean(), rng.normal(0.5, 3, 80)
        i, j = np.nonzero((rng.random((12, 8)) < 0.4) | (np.add.outer(np.arange(12), np.arange(8)) % 8 == 0))
        theta = llm[i] + scaffold[j] + abs(rng.normal(0, 1)) * rng.normal(0, 1, len(i))
        agents = pd.DataFrame(
            {"llm": [f"L{x:02d}" for x in i], "scaffold": [f"S{x}" for x in j]}, [f"a{x}" for x in range(len(i))]
        )
        cells = rng.binomial(1, expit(theta[:, None] - b))
        result = fit(from_arrays(cells, agents=agents, tasks=[f"t{x}" for x in range(80)]), seed=seed, progress=False)
        for (name, found), truth in zip(hits.items(), (llm, scaffold, theta), strict=True):
            table = summarise(result, name, prob=0.9)
            found.append((table.lower.values <= truth) & (truth <= table.upper.values))
    shares = {name: float(np.concatenate(found).mean()) for name, found in hits.items()}
    assert all(0.85 <= share <= 0.95 for share in shares.values()), shares  # 240 scaffolds: two standard errors are 4 points


@pytest.mark.slow
def test_intervals_cover_simulated_truth_on_other_shapes():
    for shape in [(14, 400), (134, 200), (112, 89)]:
        assert all(0.87 <= share <= 0.93 for share in coverage(*shape, repeats=40)[:2]), shape


def test_every_simulated_agent_and_task_stays_in_with_a_finite_posterior():
    outcomes = simulate_outcomes(seed=0)
    result = fit(outcomes, seed=0, progress=False)
    assert result.posterior.sizes["task"] == outcomes.sizes["task"]
    assert all(bool(np.isfinite(x).all()) for x in result.posterior.data_vars.values())
    never = outcomes.successes.sum("agent").values == 0
    assert never.any()
    assert float(summarise(result, "difficulty")["mean"].values[never].max()) < 30


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("leaderboard", list(LEADERBOARDS))
def test_laplace_and_nuts_agree(leaderboard):
    outcomes = load_leaderboard(leaderboard)
    exact = fit(outcomes, ability="agent", method="nuts", draws=1000, seed=0, progress=False)
    quick = fit(outcomes, ability="agent", seed=0, draws=4000, progress=False)
    assert exact.attrs["converged"] == "yes"
    for name in ("ability", "difficulty"):
        sd = exact.posterior[name].std(["chain", "draw"])
        gap = (quick.posterior[name].mean(["chain", "draw"]) - exact.posterior[name].mean(["chain", "draw"])) / sd
        ratio = quick.posterior[name].std(["chain", "draw"]) / sd
        assert float(np.sqrt((gap**2).mean())) < 0.06  # Monte Carlo error alone gives about 0.03
        assert abs(float(ratio.mean()) - 1) < 0.03


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("ability", ["agent", "llm_scaffold"])
@pytest.mark.parametrize("leaderboard", ["terminal_bench", "swebench_verified"])
def test_nuts_converges_on_a_2pl_as_it_is_set(leaderboard, ability, seed):
    exact = fit(load_leaderboard(leaderboard), "2pl", ability=ability, method="nuts", seed=seed, progress=False)
    assert exact.attrs["converged"] == "yes", exact.attrs["verdict"]  # R-hat <= 1.01, ESS >= 400, no divergence


def benchmarks(seed: int, spreads: list[float], agents: int = 30, tasks: int = 40) -> tuple[xr.Dataset, np.ndarray]:
    "Benchmarks whose difficulties lie around a place of their own, with these sds, and where that is."
    rng = np.random.default_rng(seed)
    theta, places = rng.normal(0, 1.5, agents), rng.normal(0.5, 1.0, len(spreads))
    b = np.concatenate([rng.normal(place, sd, tasks) for place, sd in zip(places, spreads, strict=True)])
    names = pd.DataFrame(
        {"benchmark": np.repeat([f"b{k}" for k in range(len(spreads))], tasks)}, [f"t{j}" for j in range(len(b))]
    )
    cells = rng.binomial(1, expit(theta[:, None] - b))
    return from_arrays(cells, agents=[f"a{i}" for i in range(agents)], tasks=names), places - theta.mean()


def first_results(outcomes: xr.Dataset, benchmark: str, cells: int, seed: int) -> xr.Dataset:
    "Some cells of a benchmark, at random."
    own = outcomes.isel(task=np.flatnonzero(outcomes.benchmark.values == benchmark))
    seen = np.random.default_rng(seed).permutation(own.trials.size).reshape(own.trials.shape) < cells
    return own.assign(successes=own.successes.where(seen, 0), trials=own.trials.where(seen, 0))


def test_a_new_benchmark_may_spread_further_than_any_that_was_seen():
    outcomes, _ = benchmarks(0, [1.0, 1.1, 0.9, 5.0])
    known = fit(outcomes.isel(task=slice(120)), ability="agent", seed=0, progress=False)
    scored = score(known, first_results(outcomes, "b3", 100, seed=0), seed=0)
    sd = scored.posterior.difficulty_sd
    assert float(sd.sel(benchmark="b3").median()) > float(sd.sel(benchmark=["b0", "b1", "b2"]).max())


@pytest.mark.slow
def test_place_and_spread_of_a_new_benchmark_are_covered_after_twenty_cells():
    inside = []
    for seed in range(150):
        spreads = 2 * np.exp(np.random.default_rng(seed).normal(0, 0.4, 4))
        outcomes, places = benchmarks(seed + 1000, spreads.tolist(), tasks=30)
        known = fit(outcomes.isel(task=slice(90)), ability="agent", draws=400, seed=seed, progress=False)
        new = score(known, first_results(outcomes, "b3", 20, seed), seed=seed).posterior.sel(benchmark="b3")
        for name, truth in [("benchmark_difficulty", places[3]), ("difficulty_sd", spreads[3])]:
            lower, upper = np.quantile(new[name], [0.05, 0.95])
            inside.append(lower <= truth <= upper)
    place, spread = np.mean(np.reshape(inside, (-1, 2)), 0)
    assert 0.84 <= place <= 0.97  # 150 boards: two standard errors are 5 points
    assert 0.84 <= spread <= 0.99  # four benchmarks say little of how spreads differ: what they leave open is wide


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("leaderboard", "model", "bar"),
    [("swebench_pro", "1pl", 0.002), ("terminal_bench", "2pl", 0.002), ("gso", "2pl", 0.006)],
)
def test_laplace_and_nuts_predict_alike(leaderboard, model, bar):
    "On GSO, of 15 agents, the 2PL by Laplace loses some .003 nats on 160 cells (.0012 of them by the luck of draws)."
    gap = held_out_log_loss(leaderboard, model) - held_out_log_loss(leaderboard, model, method="nuts", draws=500)
    assert abs(gap) < bar


@pytest.mark.data
def test_same_seed_same_draws_and_another_seed_others():
    outcomes = load_leaderboard("gso")
    first, again, other = (fit(outcomes, seed=seed, progress=False).posterior.ability for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)


# --- difficulty explained by features ---


def rated(seed: int, agents: int, tasks: int, features: int, explained: float, rest: float) -> tuple:
    "Abilities, what features say of difficulties, difficulties, and one run of every cell; sds in logits."
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (tasks, features))
    said = explained * x @ rng.normal(0, 1, features) / np.sqrt(features)
    theta, b = rng.normal(0, 1.5, agents), 0.5 + said + rng.normal(0, rest, tasks)
    names = [f"t{j}" for j in range(tasks)]
    known = pd.DataFrame(x, names, [f"f{k}" for k in range(features)])
    cells = rng.binomial(1, expit(theta[:, None] - b))
    return theta, said, b, from_arrays(cells, agents=[f"a{i}" for i in range(agents)], tasks=names, features=known)


def difficulty_of_unseen_tasks(features: str, seeds: range) -> tuple[float, np.ndarray, np.ndarray]:
    "Coverage of unseen difficulties by 90 % intervals; explained sd over its truth, and residual sd, by seed."
    inside, explained, rest = [], [], []
    for seed in seeds:
        theta, said, b, outcomes = rated(seed, agents=60, tasks=200, features=10, explained=1.5, rest=1.0)
        result = fit(outcomes.isel(task=slice(150)), ability="agent", features=features, seed=seed, progress=False)
        draws = task_draws(result, described(outcomes.isel(task=slice(150, None))), seed=seed).difficulty
        lower, upper = np.quantile(draws, [0.05, 0.95], axis=0)
        truth = b[150:] - theta.mean()  # the fit's zero is the average agent
        inside.append((lower <= truth) & (truth <= upper))
        spread = summarise(result, "feature_sd")["mean"].values
        explained.append(np.sqrt((spread**2).sum()) / said[:150].std())
        rest.append(summarise(result, "difficulty_sd")["mean"].item())
    return float(np.mean(inside)), np.array(explained), np.array(rest)


def test_difficulties_of_unseen_tasks_are_covered_and_what_features_explain_is_recovered():
    covered, explained, rest = difficulty_of_unseen_tasks("linear", range(5))
    assert 0.86 <= covered <= 0.95
    assert (abs(explained - 1) < 0.25).all()
    assert (abs(rest - 1) < 0.25).all()


@pytest.mark.slow
def test_smooth_features_cover_unseen_tasks_too():
    covered, explained, rest = difficulty_of_unseen_tasks("smooth", range(12))
    assert 0.84 <= covered <= 0.95
    assert abs(explained.mean() - 1) < 0.25
    assert abs(rest.mean() - 1) < 0.25


def test_features_that_say_nothing_do_no_harm():
    worse, explained, rest = [], [], []
    for seed in range(4):
        outcomes = rated(seed, agents=40, tasks=140, features=100, explained=0.0, rest=2.0)[3]
        train, new = outcomes.isel(task=slice(80)), outcomes.isel(task=slice(80, None))
        loss = {}
        for how in ("smooth", "none"):
            result = fit(train, ability="agent", features=how, seed=seed, progress=False)
            p = predict(result, tasks=described(new)).probability.values
            loss[how] = -np.mean(np.where(new.successes.values == 1, np.log(p), np.log1p(-p)))
            if how == "smooth":
                explained.append(np.sqrt((summarise(result, "feature_sd")["mean"].values ** 2).sum()))
                rest.append(summarise(result, "difficulty_sd")["mean"].item())
        worse.append(loss["smooth"] - loss["none"])
    assert np.mean(worse) < 0.01
    assert np.mean(explained) < 0.5 * np.mean(rest)


def test_features_that_say_something_help():
    outcomes = rated(0, agents=40, tasks=140, features=5, explained=2.0, rest=0.7)[3]
    train, new = outcomes.isel(task=slice(80)), outcomes.isel(task=slice(80, None))
    loss = {}
    for how in ("smooth", "linear", "none"):
        p = predict(fit(train, ability="agent", features=how, seed=0, progress=False), tasks=described(new)).probability.values
        loss[how] = -np.mean(np.where(new.successes.values == 1, np.log(p), np.log1p(-p)))
    assert max(loss["smooth"], loss["linear"]) < loss["none"] - 0.05


@pytest.mark.slow
@pytest.mark.parametrize("features", ["linear", "smooth"])
def test_laplace_and_nuts_agree_with_features(features):
    outcomes = rated(1, agents=30, tasks=60, features=5, explained=1.3, rest=1.0)[3]
    quick = fit(outcomes, ability="agent", features=features, draws=4000, seed=0, progress=False)
    exact = fit(outcomes, ability="agent", features=features, method="nuts", draws=2000, seed=0, progress=False)
    assert int(exact.sample_stats.diverging.sum()) <= 8  # of 8000: the smooth block's scale may come close to zero
    for name, most in [("difficulty", 0.1), ("ability", 0.1), ("feature_sd", 0.25), ("difficulty_sd", 0.25)]:
        assert float(exact.sample_stats[f"{name}_rhat"].max()) <= 1.01
        sd = exact.posterior[name].std(["chain", "draw"])
        gap = (quick.posterior[name].mean(["chain", "draw"]) - exact.posterior[name].mean(["chain", "draw"])) / sd
        assert float(np.sqrt((gap**2).mean())) < most, name


# --- abilities with a date ---


def dated(seed: int, trend: float) -> xr.Dataset:
    "Eighteen LLMs released over three years, whose ability grows by `trend` a year, in two scaffolds each, on 60 tasks."
    rng = np.random.default_rng(seed)
    days = np.sort(rng.integers(0, 3 * 365, 18))
    llm = trend * days / 365.2425 + rng.normal(0, 0.6, 18)
    i = np.repeat(np.arange(18), 2)
    theta = llm[i] + np.tile([0.3, -0.3], 18) + rng.normal(0, 0.2, 36)
    agents = pd.DataFrame(
        {
            "llm": [f"L{x:02d}" for x in i],
            "scaffold": ["S0", "S1"] * 18,
            "date": np.datetime64("2023-01-01") + days[i].astype("timedelta64[D]"),
        },
        [f"a{x:02d}" for x in range(36)],
    )
    cells = rng.binomial(1, expit((theta - theta.mean())[:, None] - rng.normal(0, 2, 60)))
    return from_arrays(cells, agents=agents, tasks=[f"t{x}" for x in range(60)])


def test_a_trend_in_release_dates_is_recovered():
    inside, estimates = [], []
    for seed in range(8):
        year = summarise(fit(dated(seed, trend=1.0), ability="dated", seed=seed, progress=False), "ability_per_year", prob=0.9)
        inside.append(bool(year.lower <= 1.0 <= year.upper))
        estimates.append(year["mean"].item())
    assert sum(inside) >= 6  # of 8 that hold the truth nine times in ten each
    assert abs(np.mean(estimates) - 1.0) < 0.15


def test_an_unseen_llm_of_a_later_date_is_predicted_higher():
    result = fit(dated(0, trend=1.0), ability="dated", seed=0, progress=False)
    asked = pd.DataFrame({"llm": ["x", "y"], "scaffold": ["S0", "S0"], "date": ["2024-01-01", "2026-01-01"]})
    early, late = ability_draws(result, asked, seed=0).mean("sample").values
    per_year = summarise(result, "ability_per_year")["mean"].item()
    assert late - early == pytest.approx(2 * per_year, abs=0.15)
    assert predict(result, asked, seed=0).probability.diff("agent").min() > 0


# --- a handful of results ---


@pytest.fixture(scope="module")
def three_benchmarks() -> xr.Dataset:
    "Forty agents of ten LLMs and four scaffolds on 35 tasks of each of three benchmarks, with two features."
    rng = np.random.default_rng(5)
    i, j = np.divmod(np.arange(40), 4)
    theta = rng.normal(0, 1.2, 10)[i] + rng.normal(0, 0.5, 4)[j] + rng.normal(0, 0.3, 40)
    x = rng.normal(0, 1, (105, 2))
    b = np.repeat([-0.5, 0.0, 1.0], 35) + x @ [1.0, -0.5] + rng.normal(0, 0.8, 105)
    agents = pd.DataFrame({"llm": [f"L{k}" for k in i], "scaffold": [f"S{k}" for k in j]}, [f"a{k:02d}" for k in range(40)])
    tasks = pd.DataFrame({"benchmark": np.repeat(["one", "two", "three"], 35)}, [f"t{k:03d}" for k in range(105)])
    features = pd.DataFrame(x, tasks.index, ["f1", "f2"])
    return from_arrays(rng.binomial(1, expit(theta[:, None] - b)), agents=agents, tasks=tasks, features=features)


def without(outcomes: xr.Dataset, agents: slice, tasks: slice) -> xr.Dataset:
    "The outcomes with a rectangle of cells not run."
    trials = outcomes.trials.copy()
    trials[agents, tasks] = 0
    return outcomes.assign(trials=trials, successes=outcomes.successes.where(trials > 0, 0))


@pytest.mark.parametrize("what", ["agent", "task", "benchmark"])
def test_score_says_what_a_refit_says(three_benchmarks, what):
    rows, columns = {"agent": (slice(39, None), slice(0, 30)), "task": (slice(0, 25), slice(104, None))}.get(
        what, (slice(0, 25), slice(101, None))
    )
    known = three_benchmarks.isel(agent=slice(39)) if what == "agent" else three_benchmarks.isel(task=slice(columns.start))
    results = three_benchmarks.isel(agent=rows, task=columns)
    if what == "benchmark":  # the last four tasks are all there is of a fourth
        name = np.where(three_benchmarks.task.isin(results.task), "four", three_benchmarks.benchmark)
        three_benchmarks = three_benchmarks.assign_coords(benchmark=("task", name))
        results = three_benchmarks.isel(agent=rows, task=columns)
    both = combine([known, results])
    options = dict(features="linear", seed=0, draws=1500, progress=False)
    scored, refit = score(fit(known, **options), results, seed=0), fit(both, **options)
    assert "too few" not in scored.attrs["verdict"]
    dim, name = ("agent", "ability") if what == "agent" else ("task", "difficulty")
    ours, theirs = (summarise(r, name).sel({dim: results[dim].values}) for r in (scored, refit))
    most = 0.6 if what == "benchmark" else 0.4  # its spread of difficulties: from those seen, where a refit has four tasks
    assert float((abs(ours["mean"] - theirs["mean"]) / theirs.sd).max()) < most
    assert float((abs(ours.sd / theirs.sd - 1)).max()) < 0.3
    moved = summarise(scored, "ability")["mean"] - summarise(refit, "ability")["mean"]
    assert float((abs(moved) / summarise(refit, "ability").sd).max()) < 0.4  # and the agents that were there


def test_score_refuses_what_it_cannot_use(three_benchmarks):
    known = without(three_benchmarks, slice(39, None), slice(0, None))
    result = fit(known, features="linear", seed=0, progress=False)
    nothing = three_benchmarks.isel(agent=[39], task=slice(5))
    nothing = nothing.assign(trials=0 * nothing.trials, successes=0 * nothing.successes)
    with pytest.raises(ValueError, match="No cell of the results was observed"):
        score(result, nothing)
    with pytest.raises(ValueError, match="the fit has seen 10 of the results already, such as a00 on t000; leave them out"):
        score(result, three_benchmarks.isel(agent=slice(2), task=slice(5)))


def test_score_takes_new_tasks_of_unknown_features(three_benchmarks):
    known, new = three_benchmarks.isel(task=slice(103)), three_benchmarks.isel(agent=slice(20), task=slice(103, None))
    result = fit(known, features="linear", seed=0, progress=False)
    half = new.features.copy()
    half[0], half[1, 1] = np.nan, np.nan
    for features in (half, None):
        results = new.drop_dims("feature") if features is None else new.assign(features=features)
        scored = score(result, results.isel(agent=slice(12)), seed=0)
        placed = summarise(scored, "difficulty").sel(task=new.task.values)
        assert bool(np.isfinite(placed["mean"]).all())
        assert float(placed.sd.max()) < 1.5  # twelve results tell more than features would


def test_score_goes_by_the_benchmarks_that_tasks_of_the_fit_have(three_benchmarks):
    known = three_benchmarks.isel(agent=slice(39))
    results = three_benchmarks.isel(agent=[39], task=slice(10)).assign_coords(benchmark=("task", ["unnamed"] * 10))
    scored = score(fit(known, seed=0, progress=False), results, seed=0)
    assert scored.posterior.benchmark.values.tolist() == ["one", "three", "two"]
    assert bool(np.isfinite(expected_pass_rate(scored).pass_rate).all())
