"Charts and explorers of every kind of fit, of older versions too: the chances are those of the fit's own curve."

import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.curves import CURVES, SLOTS
from agentirt_nb.irt.fits import FitError, draws, make_fit, open_fit, success_probability, tails
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.irt.tables import fit_tables
from agentirt_nb.messages import AgentirtError
from agentirt_nb.views.curve_charts import comparison_chart, tail_chart, trials_chart
from agentirt_nb.views.draft_charts import zone_chart
from agentirt_nb.views.explorers import WhatIf
from agentirt_nb.views.frontier_charts import exponent_sides_chart, failure_chart, forecast_chart
from agentirt_nb.views.labels import headline
from agentirt_nb.views.ladders import ability_ladder, interval_ladder
from agentirt_nb.views.maps import wright_map
from agentirt_nb.views.order_charts import cluster_chart, complexity_chart, reversal_chart
from agentirt_nb.views.quanta_charts import subtask_chart, token_chart
from agentirt_nb.views.reliability_charts import reliability_curve
from agentirt_nb.views.response_curves import item_characteristic_curve, response_curve
from agentirt_nb.views.scaling_charts import studies_chart
from agentirt_nb.views.theme import chart_bundle, chart_words
from agentirt_nb.views.what_if import UNSEEN, chosen_ability, what_if
from agentirt_nb.views.world_charts import worlds_chart

FITS = Path(__file__).resolve().parent / "data" / "fits"


def by_hand(name, agents=5, tasks=4, size=100, seed=0):
    "A fit with draws of everything that a curve asks for, and the same as plain arrays."
    rng = np.random.default_rng(seed)
    task = {"difficulty": rng.normal(0, 1, (size, tasks))}
    shared = {}
    for parameter in CURVES[name].parameters:
        task[parameter] = rng.lognormal(0, 0.3, (size, tasks))
    if "second_difficulty" in task:
        task["second_difficulty"] = rng.normal(0, 1, (size, tasks))
    if "slots" in task:
        task["slots"] = np.sort(rng.normal(0, 1, (SLOTS, size, tasks)), 0)
        task["needed"] = rng.integers(1, SLOTS + 1, (size, tasks))
        shared = {"slot_guess": rng.uniform(0.01, 0.1, size), "slot_slip": rng.uniform(0.01, 0.1, size)}
    ability = rng.normal(0, 1, (CURVES[name].abilities, size, agents))
    variables = {n: (("chain", "draw", "task"), x[None]) for n, x in task.items() if n != "slots"}
    variables |= {n: (("chain", "draw"), x[None]) for n, x in (shared | {"ability_sd": np.ones(size)}).items()}
    variables |= {n: (("chain", "draw", "agent"), x[None]) for n, x in zip(("ability", "second_ability"), ability, strict=False)}
    if "slots" in task:
        variables["slots"] = (("chain", "draw", "slot", "task"), task["slots"].swapaxes(0, 1)[None])
    outcomes = from_arrays(
        rng.integers(0, 2, (agents, tasks)),
        agents=[f"a{i}" for i in range(agents)],
        tasks=[f"t{j}" for j in range(tasks)],
    )
    about = {"curve": name, "method": "by hand", "converged": "yes", "verdict": "Made by hand.", "kind": "simulated"}
    fit = make_fit(xr.Dataset(variables, {"agent": outcomes.agent.values, "task": outcomes.task.values}), outcomes, about)
    return fit, ability, task | {n: x[:, None] for n, x in shared.items()}


@pytest.mark.parametrize("name", CURVES)
def test_the_explorer_gives_the_chances_of_the_fits_own_curve(name):
    fit, ability, task = by_hand(name)
    explorer = WhatIf(fit, about="these tasks")
    explorer.controls["agent"].value = "a2"
    explorer.controls["agent_shift"].value = 0.5
    chance = CURVES[name].probability([x[:, 2, None] + 0.5 for x in ability], task)
    shown = explorer.result.sortby("task")
    np.testing.assert_allclose(shown.probability, chance.mean(0), atol=1e-6)
    np.testing.assert_allclose((shown.lower, shown.upper), tails(chance, 0.9), atol=1e-6)
    rate = chance.mean(1)
    np.testing.assert_allclose(explorer.result.pass_rate, rate.mean(), atol=1e-6)
    np.testing.assert_allclose((shown.pass_rate_lower, shown.pass_rate_upper), tails(rate, 0.9), atol=1e-6)


@pytest.mark.parametrize("name", CURVES)
def test_the_response_curve_is_the_fits_own(name):
    fit, ability, task = by_hand(name)
    at = xr.DataArray([-1.0, 0.5], dims="ability", coords={"ability": [-1.0, 0.5]})
    drawn = response_curve(fit, fit.posterior.task.values.tolist(), at)
    second = [x.mean(1, keepdims=True) for x in ability[1:]]  # of the average agent
    for x in at.values:
        chance = CURVES[name].probability([np.full((100, 1), x), *second], task)
        np.testing.assert_allclose(drawn.probability.sel(ability=x), chance.mean(0), atol=1e-12)
        np.testing.assert_allclose((drawn.lower.sel(ability=x), drawn.upper.sel(ability=x)), tails(chance, 0.9), atol=1e-12)
    subtitle = item_characteristic_curve(fit).to_dict()["layer"][0]["title"]["subtitle"][0]
    assert ("second ability: the average agent's" in subtitle) == (CURVES[name].abilities == 2)


@pytest.mark.parametrize("name", CURVES)
def test_one_agent_and_one_task_have_all_charts(name):
    fit, _, _ = by_hand(name, agents=1, tasks=1)
    explorer = WhatIf(fit)
    explorer.controls["agent"].value = UNSEEN["agent"]
    drawn = name in ("1pl", "conjunctive", "slots")  # one of each kind: with one ability, with two, with draws of thresholds
    for chart in (ability_ladder(fit), wright_map(fit), item_characteristic_curve(fit), explorer.picture()):
        assert "Simulated" in (chart_bundle(chart)[0]["text/plain"] if drawn else chart_words(chart))
    assert set(fit_tables(fit)) == {"agents", "tasks"}


@pytest.mark.parametrize("dim", ["llm", "scaffold"])
def test_a_chart_of_nobody_says_that_there_is_nothing_to_show(dim):
    fit = load_snapshot()
    fit["posterior"] = fit.posterior.to_dataset().isel({dim: slice(0)})
    part = draws(fit, f"{dim}_ability")
    for chart in (ability_ladder(fit, f"{dim}_ability"), interval_ladder(part, "ability (logits)")):
        assert chart_words(chart).startswith("Nothing to show: ")
        assert chart_bundle(chart)[0]["image/png"]


def test_names_are_those_that_people_use_and_keep_the_llm():
    fit = load_snapshot()
    long = "A scaffold with a name that is much too long for any column of names"
    seen = fit.observed_data.to_dataset()
    fit["observed_data"] = seen.assign_coords(scaffold=("agent", np.where(seen.llm == "Claude Opus 4.5", long, seen.scaffold)))
    axis = ability_ladder(fit, top=None).to_dict()["layer"][0]["encoding"]["y"]["axis"]
    assert "A scaffold with a nam… · Claude Opus 4.5" in axis["labelExpr"]
    assert long not in axis["labelExpr"]
    assert axis["labelLimit"] <= 0.3 * 800


def test_panels_fit_a_window_of_1280_pixels():
    "JupyterLab takes 500 of them; single views follow the window."
    for chart in (wright_map(load_snapshot()), wright_map(open_fit(FITS / "1pl_split.nc"))):
        assert chart_bundle(chart)[1]["image/png"]["width"] <= 760


def test_a_chart_of_a_fit_that_failed_says_so_first():
    fit = load_snapshot()
    fit.attrs |= {"converged": "no", "verdict": "R-hat reaches 1.31."}
    for chart in (ability_ladder(fit), wright_map(fit), item_characteristic_curve(fit)):
        words = chart_words(chart)
        assert words.startswith("NOT CONVERGED: ")
        assert "Do not read results from this fit. R-hat reaches 1.31." in words


@pytest.mark.parametrize("path", sorted(FITS.glob("*.nc")), ids=lambda path: path.stem)
def test_fits_of_older_versions_have_charts_tables_and_an_explorer(path):
    fit = open_fit(path)
    assert {"agents", "tasks"} <= set(fit_tables(fit))
    assert ability_ladder(fit).to_dict()
    assert wright_map(fit).to_dict()
    if path.stem == "curve_slots":  # its thresholds were not kept
        with pytest.raises(FitError, match="did not keep its thresholds; fit it again"):
            WhatIf(fit)
        return
    explorer = WhatIf(fit)
    assert explorer.picture().to_dict()
    assert item_characteristic_curve(fit).to_dict()
    part = "llm" if "llm" in explorer.controls else "agent"
    before = explorer.result.pass_rate.item()
    explorer.controls[f"{part}_shift"].value = 1.0
    assert explorer.result.pass_rate > before


def test_single_precision_changes_no_interval_by_a_millionth():
    fit, _, task = by_hand("2pl", tasks=60, size=400)
    table = xr.Dataset({name: (("sample", "task"), x) for name, x in task.items()}, {"task": np.arange(60)})
    agent = draws(fit, "ability").isel(agent=0, drop=True).to_dataset()
    exact, quick = what_if(fit, agent, table), what_if(fit, agent.astype("f4"), table.astype("f4"))
    assert success_probability(fit, agent.astype("f4"), table.astype("f4")).dtype == np.float32
    for name in exact.data_vars:
        np.testing.assert_allclose(quick[name], exact[name], atol=1e-6)


def test_an_answer_for_500_tasks_and_400_draws_is_quick():
    fit, _, _ = by_hand("2pl", agents=100, tasks=500, size=400)
    explorer = WhatIf(fit)
    took = []
    for i in range(9):
        began = time.process_time()
        explorer.controls["agent_shift"].value = 0.1 * (i + 1)
        took.append(time.process_time() - began)
    assert np.median(took) < 0.1


def test_an_unseen_agent_is_less_certain_than_any_that_was_seen():
    fit = open_fit(FITS / "1pl_split.nc")
    unseen = chosen_ability(fit, {"llm": UNSEEN["llm"], "scaffold": UNSEEN["scaffold"]}).ability.std()
    seen = chosen_ability(fit, {"llm": "Model A", "scaffold": "Scaffold 1"}).ability.std()
    assert unseen > seen


CHARTS_OF_TABLES = {  # and what makes their table
    reliability_curve: "irt.reliability",
    zone_chart: "frontier_zones",
    comparison_chart: "compare_curves",
    tail_chart: "difficulty_tail",
    trials_chart: "trial_shares",
    worlds_chart: "compare_worlds",
    reversal_chart: "reversal_rates",
    complexity_chart: "discrimination_complexity",
    cluster_chart: "residual_clusters",
    failure_chart: "failure_law",
    exponent_sides_chart: "compare_exponents",
    forecast_chart: "forecast_check",
    studies_chart: "scaling_studies",
    subtask_chart: "train_parity",
    token_chart: "load_language_curves",
}


@pytest.mark.parametrize("wrong", [xr.Dataset(), xr.Dataset(dict(mean=("agent", [1.0]))), None, by_hand("1pl")])
@pytest.mark.parametrize("chart", CHARTS_OF_TABLES)
def test_a_chart_of_the_wrong_table_names_the_call_that_makes_the_right_one(chart, wrong):
    with pytest.raises(AgentirtError, match=f"with `{CHARTS_OF_TABLES[chart]}"):
        chart(wrong)


@pytest.mark.parametrize("part", ["fit", "table"])
def test_a_chart_of_the_snapshot_says_its_day_where_it_is_known(part):
    attrs = dict(converged="yes", accuracy="sound", adequacy="sound", kind="snapshot", retrieved="2026-11-23")
    tree = xr.DataTree.from_dict({"observed_data": xr.Dataset(attrs=dict(retrieved="2026-11-23"))})
    tree.attrs = {name: x for name, x in attrs.items() if name != "retrieved"}
    said = headline(tree if part == "fit" else xr.Dataset(attrs=attrs), "Abilities").subtitle
    assert said == ["From the snapshot of 2026-11-23 that ships with the package."]
    assert headline(xr.Dataset(attrs=attrs | dict(retrieved="")), "Abilities").subtitle == [
        "From the snapshot that ships with the package."
    ]


def test_charts_of_draws_and_of_bins_carry_the_record_of_their_data():
    attrs = dict(converged="no", verdict="R-hat reaches 1.31.", kind="simulated")
    values = xr.DataArray(np.random.default_rng(0).normal(size=(50, 2)), dims=["sample", "task"], coords=dict(task=["a", "b"]))
    names = ("predicted", "observed", "lower", "upper", "trials")
    bins = xr.Dataset({name: ("bin", [0.2, 0.7]) for name in names}, attrs=dict(prob=0.9))
    for chart in (interval_ladder(values.assign_attrs(attrs), "shares"), reliability_curve(bins.assign_attrs(attrs))):
        words = chart_words(chart)
        assert words.startswith("NOT CONVERGED: ") and "R-hat reaches 1.31." in words and "Simulated data" in words
    for chart in (interval_ladder(values, "shares"), reliability_curve(bins)):
        assert "NOT CON" not in chart_words(chart)
