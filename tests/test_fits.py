"""One fit, one answer: fits of older versions open, every curve predicts by itself, intervals and dates agree everywhere."""

import json
import re
import shutil
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.dates import agent_dates, decimal_years, from_decimal_years
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.files import SEAL
from agentirt_nb.irt.curves import CURVES, DENSITIES, SLOTS
from agentirt_nb.irt.fits import SCHEMA, FitError, draws, fit_id, make_fit, need, open_fit, save_fit, summarise, tails
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import agent_draws, described, described_agents, predict, task_draws
from agentirt_nb.irt.rates import expected_pass_rate
from agentirt_nb.irt.scoring import score
from agentirt_nb.irt.snapshot import load_snapshot, simulate_outcomes

FOLDER = Path(__file__).parent / "data" / "fits"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))["fits"]
OLD_SLOTS = "curve_slots.nc"
AGENTS, TASKS, DRAWS = 5, 6, 200


def made(curve: str, density: str = "normal", noise: str = "binomial", trials: int = 1) -> xr.DataTree:
    "A fit of a curve with random draws, in the form in which fits of curves are kept."
    rng, asks = np.random.default_rng(1), CURVES[curve]
    runs = from_arrays(
        rng.integers(0, trials + 1, (AGENTS, TASKS)),
        np.full((AGENTS, TASKS), trials),
        agents=list("ABCDE"),
        tasks=pd.DataFrame({"benchmark": ["left"] * 3 + ["right"] * 3}, list("uvwxyz")),
    )
    size, per = (1, DRAWS), lambda n, sd=1.0: rng.normal(0, sd, n) + 0.3 * rng.standard_normal((1, DRAWS, n))
    shared = dict(ability_sd=2.5, location=0.2, scale=1.5, second_scale=0.7, gap=1.0, share=0.5, rate=0.8, more_quanta=0.4)
    shared |= dict(discrimination_sd=0.3, exponent_mean=0.5, exponent_sd=0.3, slot_guess=0.03, slot_slip=0.1)
    shared |= dict(concentration=2.0, spread=0.5)
    found = {name: (("chain", "draw"), np.full(size, value)) for name, value in shared.items()}
    found["ability"] = (("chain", "draw", "agent"), per(AGENTS))
    found["difficulty"] = (("chain", "draw", "task"), per(TASKS, 1.5))
    if asks.abilities == 2:
        found["second_ability"] = (("chain", "draw", "agent"), per(AGENTS))
        found["second_difficulty"] = (("chain", "draw", "task"), per(TASKS, 1.5))
    for name in {"discrimination", "exponent"} & set(asks.parameters):
        found[name] = (("chain", "draw", "task"), np.exp(per(TASKS, 0.3)))
    if curve == "slots":
        found["slots"] = (("chain", "draw", "slot", "task"), rng.exponential(1.2, (1, DRAWS, SLOTS, TASKS)))
        found["needed"] = (("chain", "draw", "task"), rng.integers(1, SLOTS + 1, (1, DRAWS, TASKS)))
    posterior = xr.Dataset(found, dict(agent=runs.agent.values, task=runs.task.values))
    about = dict(curve=curve, density=density, noise=noise, method="by hand", converged="yes", verdict="Made by hand.")
    return make_fit(posterior, runs, about)


def by_the_curve(result: xr.DataTree) -> np.ndarray:
    "Chances (draw, agent, task) by the curve of a fit alone, from its posterior as it stands."
    x = {name: values.values[0].astype(float) for name, values in result.posterior.data_vars.items()}
    abilities = [x[name][:, :, None] for name in ("ability", "second_ability") if name in x]
    asked = {
        name: x[name][:, None]
        for name in ("difficulty", "second_difficulty", "discrimination", "exponent", "needed")
        if name in x
    }
    if "slots" in x:
        asked["slots"] = np.moveaxis(x["slots"], 1, 0)[:, :, None]
    asked |= {name: x[name][:, None, None] for name in ("slot_guess", "slot_slip")}
    return np.exp(CURVES[result.attrs["curve"]].log_chances(abilities, asked, np)[0])


@pytest.mark.parametrize("file", EXPECTED)
def test_a_fit_of_the_version_before_opens_and_says_what_it_said(file):
    with pytest.warns(UserWarning, match=rf"{re.escape(file)} has no seal, as fits of older versions: .*; save it again\.$"):
        old, expected = open_fit(FOLDER / file), EXPECTED[file]
    assert old.attrs["schema"] == SCHEMA
    assert "unsealed file" in old.attrs["verdict"]
    assert draws(old).mean() == pytest.approx(expected["ability"], abs=1e-6)
    assert draws(old, "difficulty").mean() == pytest.approx(expected["difficulty"], abs=1e-6)
    if file == OLD_SLOTS:
        with pytest.raises(FitError, match="did not keep its thresholds; fit it again"):
            predict(old)
        return
    p = predict(old)
    assert bool(((p.lower <= p.upper) & (p.probability > 0) & (p.probability < 1)).all())
    if "probability" in expected:
        assert p.probability.mean() == pytest.approx(expected["probability"], abs=2e-3)
        assert expected_pass_rate(old).pass_rate.mean("agent").values == pytest.approx(expected["pass_rate"], abs=2e-3)
    assert predict(old, pd.DataFrame({"agent": ["new"]}), pd.DataFrame({"benchmark": ["left"]})).probability.notnull().all()


# --- seals ---


@pytest.fixture(scope="module", params=[".nc", ".zarr"])
def saved(request, tmp_path_factory):
    "A fit and where it was saved."
    fit = made("2pl")
    return fit, save_fit(fit, tmp_path_factory.mktemp("saved") / f"fit{request.param}")


def copied(path, folder):
    "A copy of a saved fit."
    target = folder / path.name
    if path.is_dir():
        return Path(shutil.copytree(path, target, dirs_exist_ok=True))
    return Path(shutil.copy(path, target))


def unsealed(path, schema):
    "Take the seal off, and write the schema that it should say."
    if path.is_dir():
        (path / "agentirt.seal").unlink()
        about = path / "zarr.json"
        about.write_text(about.read_text().replace(f'"schema": "{SCHEMA}"', f'"schema": "{schema}"'))
        return path
    path.write_bytes(path.read_bytes()[: -len(SEAL) - 65])
    if schema != SCHEMA:
        with h5py.File(path, "r+") as file:
            file.attrs["schema"] = schema
    return path


def test_one_flipped_bit_is_refused_or_stands_outside_the_content(saved, tmp_path):
    _, path = saved
    rng, refused, whole, copy = np.random.default_rng(0), 0, open_fit(path), copied(path, tmp_path)
    files = [file for file in sorted(copy.rglob("*")) if file.is_file()] or [copy]
    sizes = np.array([file.stat().st_size for file in files])
    for _ in range(50):
        file = files[rng.choice(len(files), p=sizes / sizes.sum())]
        before = file.read_bytes()
        data = bytearray(before)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        file.write_bytes(data)
        try:
            again = open_fit(copy)
        except FitError as reason:
            assert re.fullmatch(r"[^\n]+\.", str(reason)), str(reason)
            refused += 1
        else:
            assert again.identical(whole)
        file.write_bytes(before)
    assert open_fit(copy).identical(whole)
    assert refused > 40


def test_the_seal_itself_can_neither_be_damaged_nor_taken_off(saved, tmp_path):
    _, path = saved
    copy, whole = copied(path, tmp_path), open_fit(path)
    place = copy / "agentirt.seal" if copy.is_dir() else copy
    data = place.read_bytes()
    start = 0 if copy.is_dir() else len(data) - len(SEAL) - 65
    for at in np.linspace(start, len(data) - 2, 12, dtype=int):
        flipped = bytearray(data)
        flipped[at] ^= 16
        place.write_bytes(flipped)
        try:
            assert open_fit(copy).identical(whole)
        except FitError as reason:
            assert re.search(r"its seal is broken|has lost its seal|The seal of .* cannot be read", str(reason)), str(reason)
    place.write_bytes(data)
    with pytest.raises(FitError, match="has lost its seal, so it was edited or cut; save it again or fetch a new copy"):
        open_fit(unsealed(copy, SCHEMA))


def test_a_fit_of_the_schema_before_opens_unsealed_with_a_warning_and_is_sealed_when_saved(saved, tmp_path):
    fit, path = saved
    copy = unsealed(copied(path, tmp_path), "2")
    with pytest.warns(UserWarning, match="has no seal, as fits of older versions"):
        old = open_fit(copy)
    assert (old.attrs["schema"], old.attrs["prob"], fit_id(old)) == (SCHEMA, fit.attrs["prob"], fit_id(fit))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert open_fit(save_fit(old, tmp_path / "again.nc")).attrs["verdict"] == old.attrs["verdict"]
        load_snapshot()
    shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    with pytest.raises(FitError, match=r"has the schema '4', this package reads '3' and older; update agentirt_nb\.$"):
        open_fit(unsealed(copied(path, tmp_path), "4"))


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ("posterior/ability/c", "its ability holds values that are no finite numbers"),
        ("posterior/discrimination/c", "its discrimination holds values that are no finite numbers"),
        ("posterior/agent/c", "its draws and its outcomes have different labels of agents"),
        ("observed_data/task/c", "its draws and its outcomes have different labels of tasks"),
        ("observed_data/trials/c", "it has more successes than trials"),
        ("posterior/difficulty", "its posterior has no draws of difficulty"),
    ],
)
def test_an_older_fit_that_lost_a_part_is_refused_and_says_which(tmp_path, lost, says):
    path = unsealed(save_fit(made("2pl"), tmp_path / "fit.zarr"), "2")
    shutil.rmtree(path / lost)
    with pytest.raises(FitError, match=rf"fit\.zarr is no whole fit: {says}.*; fit again, or fetch a new copy\.$"):
        open_fit(path)


def test_what_could_not_be_opened_again_is_not_saved(tmp_path):
    broken = made("2pl")
    broken["posterior"]["ability"].values[0, 3, 2] = np.inf
    with pytest.raises(FitError, match="its ability holds values that are no finite numbers"):
        save_fit(broken, tmp_path / "fit.nc")
    assert not list(tmp_path.iterdir())


def test_the_id_of_a_fit_is_quick():
    rng, size = np.random.default_rng(0), (1, 1000)
    cells = from_arrays(rng.integers(0, 2, (134, 500)), agents=[f"a{i}" for i in range(134)], tasks=[f"t{j}" for j in range(500)])
    parts = dict(ability=("agent", 134), residual=("agent", 134), difficulty=("task", 500), discrimination=("task", 500))
    found = {name: (("chain", "draw", dim), rng.random((*size, n), np.float32)) for name, (dim, n) in parts.items()}
    posterior = xr.Dataset(found, dict(agent=cells.agent.values, task=cells.task.values))
    big = make_fit(posterior, cells, dict(curve="2pl", method="by hand", converged="yes", verdict="Made by hand."))
    seconds = []
    for _ in range(5):
        started = time.process_time()
        fit_id(big)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.05


# --- curves ---


@pytest.mark.parametrize("curve", CURVES)
def test_every_cell_is_the_fits_own_curve_averaged_over_its_draws(curve):
    result = made(curve)
    chances = by_the_curve(result)
    p = predict(result, about="such cells", prob=0.8)
    assert np.abs(p.probability.values - chances.mean(0)).max() < 1e-6
    for end, want in zip((p.lower, p.upper), np.quantile(chances, [0.1, 0.9], axis=0)):
        assert np.abs(end.values - want).max() < 1e-6
    rates = expected_pass_rate(result, about="such tasks")
    assert rates.benchmark.values.tolist() == ["left", "right"]
    assert np.abs(rates.pass_rate.sel(benchmark="right") - chances[:, :, 3:].mean((0, 2))).max() < 1e-6


@pytest.mark.parametrize("curve", CURVES)
def test_every_curve_predicts_what_was_never_run_and_takes_in_results(curve):
    result = made(curve)
    tasks = pd.DataFrame({"task": ["u", "draft"], "benchmark": ["", "left"]})
    p = predict(result, pd.DataFrame({"agent": ["A", "new"]}), tasks, about="such cells")
    assert p.agent_run.values.tolist() == p.task_run.values.tolist() == [True, False]
    assert p.probability.values[0, 0] == pytest.approx(by_the_curve(result)[:, 0, 0].mean(), abs=1e-6)
    supposed = task_draws(result, pd.DataFrame({"difficulty": [1.25]}))
    assert np.abs(supposed.difficulty - 1.25).max() < 1e-9
    ability = []
    for won in (1, 0):
        tasks = pd.DataFrame({"benchmark": ["left"] * 3 + ["right"] * 3 + ["left"]}, [*"uvwxyz", "draft"])
        results = from_arrays(np.full((1, 7), won), agents=["new"], tasks=tasks)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            scored = score(result, results, seed=0)
        assert set(scored.posterior.task.values) == {*"uvwxyz", "draft"}
        assert np.isfinite(scored.posterior.difficulty).all()
        assert predict(scored).probability.shape == (AGENTS + 1, TASKS + 1)
        assert simulate_outcomes(scored, seed=0).successes.shape == (AGENTS + 1, TASKS + 1)
        ability.append(float(draws(scored, agent=["new"]).mean()))
    assert ability[0] > ability[1] + 0.5


@pytest.mark.parametrize("density", DENSITIES)
def test_new_tasks_come_from_the_density_that_was_fitted(density):
    result = made("1pl", density)
    drawn = task_draws(result, pd.DataFrame({"benchmark": ["left"] * 50}), seed=0).difficulty.values
    values = {name: draws(result, name).values[0] for name in ("location", *DENSITIES[density].parameters)}
    other = DENSITIES[density].draw(values, np.random.default_rng(1), (20_000,)) + values["location"]
    other = -other if DENSITIES[density].mirrored else other
    assert np.abs(np.quantile(drawn, [0.1, 0.5, 0.9]) - np.quantile(other, [0.1, 0.5, 0.9])).max() < 0.25
    empty = score(result, from_arrays([[1]], agents=["A"], tasks=["draft"], benchmark="left"), seed=0)
    assert draws(empty, "difficulty", task=["draft"]).mean() < drawn.mean()  # one success: easier than tasks are


def test_a_density_on_a_grid_says_what_the_normal_one_says_by_its_own_sd():
    result = made("1pl")
    seen = from_arrays(np.array([[1, 1, 0, 1, 0]]).T, agents=list("ABCDE"), tasks=["draft"], benchmark="left")
    scored = draws(score(result, seen, seed=0), "difficulty", task=["draft"]).values
    b = np.linspace(-10, 10, 2001)
    theta = draws(result).values
    p = 1 / (1 + np.exp(b - theta[..., None]))  # (draw, agent, b)
    weight = np.where(np.array([1, 1, 0, 1, 0])[:, None] > 0, p, 1 - p).prod(1).sum(0) * np.exp(-0.5 * ((b - 0.2) / 1.5) ** 2)
    assert scored.mean() == pytest.approx((b * weight).sum() / weight.sum(), abs=0.2)


@pytest.mark.parametrize("noise", ["beta-binomial", "logit-normal"])
def test_repeated_runs_are_weighed_by_the_noise_of_the_fit(noise):
    tasks = pd.DataFrame({"benchmark": ["left"] * 3 + ["right"] * 3}, list("uvwxyz"))
    results = from_arrays(np.full((1, TASKS), 5), np.full((1, TASKS), 5), agents=["new"], tasks=tasks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        clustered, coins = (score(made("2pl", noise=x, trials=5), results, seed=0) for x in (noise, "binomial"))
    assert draws(clustered, agent=["new"]).mean() < draws(coins, agent=["new"]).mean()  # five like runs say less than five coins
    with pytest.raises(FitError, match="fit again with all results"):
        score(made("2pl", noise="all-or-none", trials=5), results)


def test_the_same_question_has_the_same_interval_from_every_function():
    result = made("2pl")
    (only,) = (x.values for x in [draws(result)])
    table = summarise(result, prob=0.8)
    assert (table.lower.values == np.quantile(only, (1 - 0.8) / 2, axis=0)).all()
    assert (tails(only, 0.8)[0] == table.lower.values).all()
    one_task = result.observed_data.task.values[:1]
    rest = from_arrays([[1]] * AGENTS, agents=list("ABCDE"), tasks=one_task, benchmark="left")
    posterior = result["posterior"].to_dataset().sel(task=one_task).drop_vars("concentration", errors="ignore")
    single = make_fit(posterior, rest, result.attrs | dict(noise="binomial"))
    p, rates = predict(single, prob=0.8), expected_pass_rate(single, about="these tasks", prob=0.8)
    for end in ("lower", "upper"):
        assert (p[end].values == rates[end].values).all()


def test_unknown_names_are_one_family_of_errors():
    result = made("conjunctive")
    for ask in (
        lambda: predict(result, ["Z"]),
        lambda: predict(result, tasks=["nothing"]),
        lambda: predict(result, tasks=pd.DataFrame({"benchmark": ["lefft"]})),
        lambda: expected_pass_rate(result, benchmark="lefft"),
        lambda: predict(result, pd.DataFrame({"llm": ["GPT-5"]})),
        lambda: need(result, "benchmark_difficulty"),
    ):
        with pytest.raises(FitError) as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert str(caught.value)[-1] in ".?"


def test_a_pair_that_was_run_is_that_pair_under_any_label():
    four = load_snapshot()
    agents = four.observed_data.to_dataset()[["llm", "scaffold"]].to_dataframe().query("llm != '' and scaffold != ''")
    pair = agents.drop_duplicates(keep=False).iloc[:3]
    table = pair.reset_index(drop=True).assign(agent=["one", "two", "three"])
    found = agent_draws(four, table, seed=0)
    assert found.run.all()
    assert np.abs(found.ability.values - draws(four, agent=pair.index).values).max() < 1e-6
    assert not agent_draws(four, table, pairs=False, seed=0).run.any()


@pytest.mark.data
def test_dates_of_all_agents_come_back_to_the_day():
    count = 0
    for board in ("swebench_verified", "swebench_pro", "terminal_bench", "gso"):
        outcomes = load_leaderboard(board)
        dates = described_agents(outcomes).date.to_numpy()
        known = np.isfinite(decimal_years(dates))
        assert (dates[known] == agent_dates(outcomes).values[known]).all()
        assert (from_decimal_years(decimal_years(dates))[known] == dates[known]).all()
        assert np.isnat(from_decimal_years(decimal_years(dates))[~known]).all()
        for name in ("llm_release_date", "date"):
            if name in outcomes.coords:
                day = outcomes[name].values.astype("datetime64[D]")
                has = ~np.isnat(day)
                assert (dates[has].astype("datetime64[D]") == day[has]).all()
                break
        count += len(dates)
    assert count == 275


def test_a_fit_says_how_far_it_may_be_trusted(tmp_path):
    runs = simulate_outcomes(made("1pl"), seed=0)
    result = fit(runs, ability="agent", progress=False)
    assert result.attrs["accuracy"] == "sound"  # by its weights
    assert result.attrs["adequacy"] == "not checked"
    assert result.attrs["kind"] == "simulated"
    p = predict(open_fit(save_fit(result, tmp_path / "fit.nc")), tasks=described(runs))
    assert p.attrs["accuracy"] == result.attrs["accuracy"]
    assert p.attrs["adequacy"] == "not checked"


def test_a_curve_of_ones_own_says_what_cannot_be_asked_of_its_fit():
    own = made("2pl")
    own.attrs["curve"] = "mine"
    with pytest.raises(
        FitError, match=r"made with a curve of its own, 'mine', and keeps only its name: .* for predictions fit with one of"
    ):
        predict(own)
    assert summarise(own, "difficulty").sizes["task"] == TASKS
