"Large outcomes, long sessions and odd machines: what cannot be done is said in a sentence, and what can be done stays small."

import functools
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.fits import FitError, make_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.quanta.dated_abilities import simulate_rise
from agentirt_nb.settings import SettingsError, settings

ROOT = Path(__file__).resolve().parent.parent


def outcomes_of(agents, tasks, llms=None, seed=0):
    "Simulated outcomes, every agent an LLM in one of three scaffolds."
    rng = np.random.default_rng(seed)
    ability, difficulty = rng.normal(size=(agents, 1)), rng.normal(size=tasks)
    solved = (rng.random((agents, tasks)) < 1 / (1 + np.exp(difficulty - ability))).astype(int)
    made = from_arrays(solved, agents=[f"a{i}" for i in range(agents)], tasks=[f"t{j}" for j in range(tasks)])
    llm = [f"m{i % (llms or agents)}" for i in range(agents)]
    return made.assign_coords(llm=("agent", llm), scaffold=("agent", [f"s{i % 3}" for i in range(agents)]))


def in_its_own_process(code, timeout=300, **env):
    "What a program prints, with what it writes to standard error."
    kept = {k: v for k, v in os.environ.items() if k not in {name for name, value in env.items() if value is None}}
    kept |= {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    kept |= {k: v for k, v in env.items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, timeout=timeout, env=kept, check=False
    )
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


# --- what a fit takes ---

MEASURED = """
import re, sys, time
from pathlib import Path
from test_load import outcomes_of
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.sizes import laplace_work, nuts_work, shape_of
agents, tasks, llms, curve, method, draws = {case!r}
outcomes = outcomes_of(agents, tasks, llms)
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])  # not what the parent held
before, began = peak(), time.process_time()
fit(outcomes, curve, method=method, draws=draws, progress=False)
work = (laplace_work if method == "laplace" else nuts_work)(shape_of(outcomes, curve, draws=draws))
print(peak() - before, work.memory, time.process_time() - began, work.seconds)
"""


def check_estimate(case):
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process is read from /proc")
    for _ in range(2):  # the first compiles what the second finds in its cache
        code, said, error = in_its_own_process(MEASURED.format(case=case))
        assert code == 0, error
    memory, expected, seconds, announced = map(float, said.split())
    assert 0.4 < memory / expected < 2.5, said
    assert 1 / 10 < seconds / announced < 3, said  # told for a slow machine: one with quick processors took a fifth


def test_memory_and_time_of_a_fit_are_as_estimated():
    check_estimate((40, 200, 20, "1pl", "laplace", 500))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        (30, 3000, 30, "1pl", "laplace", 1000),
        (100, 500, 50, "2pl", "laplace", 1000),
        (600, 100, 300, "1pl", "laplace", 1000),
        (500, 2000, 250, "1pl", "laplace", 1000),
        (1000, 50, 1000, "1pl", "laplace", 1000),
        (200, 5000, 100, "1pl", "laplace", 1000),
        (30, 1000, 15, "1pl", "nuts", 100),
    ],
    ids=str,
)
def test_memory_and_time_of_large_fits_are_as_estimated(case):
    check_estimate(case)


@pytest.mark.parametrize(("agents", "tasks"), [(20_000, 20), (5000, 50)])
def test_a_fit_that_cannot_be_held_in_memory_is_refused_before_it_begins(agents, tasks, monkeypatch):
    monkeypatch.setenv("AGENTIRT_MEMORY", "2")
    outcomes = outcomes_of(agents, tasks)
    for act in (fit, functools.partial(cross_validated, workers=1)):
        with pytest.raises(
            FitError, match=rf"{agents:,} agents and {tasks} tasks .* more than the 2.0 GiB allowed; give fewer"
        ) as refusal:
            act(outcomes, progress=False)
        assert "\n" not in str(refusal.value)


def cross_validated(outcomes, **options):
    from agentirt_nb.irt.evaluation import cross_validate

    return cross_validate(outcomes, "tasks", "random", folds=2, **options)


def test_a_prediction_and_an_update_that_cannot_be_held_in_memory_are_refused(monkeypatch):
    from agentirt_nb.irt.prediction import predict
    from agentirt_nb.irt.rates import expected_pass_rate
    from agentirt_nb.irt.scoring import score

    known = large_fit(30, 40, draws=1000)
    monkeypatch.setenv("AGENTIRT_MEMORY", "0.25")
    asked = pd.DataFrame({"benchmark": ["simulated"] * 50_000})
    with pytest.raises(FitError, match=r"30 agents on 50,000 tasks .* more than the 0.2 GiB allowed; ask for fewer"):
        predict(known, tasks=asked)
    with pytest.raises(FitError, match="100,000 agents on 40 tasks"):
        expected_pass_rate(known, agents=["agent 0"] * 100_000)
    monkeypatch.setenv("AGENTIRT_MEMORY", "0.0625")
    fresh = outcomes_of(5000, 40).assign_coords(agent=[f"new {i}" for i in range(5000)], task=known.posterior.task.values)
    with pytest.raises(FitError, match=r"An update by 5,000 agents on 40 tasks .* score fewer at a time"):
        score(known, fresh)


def test_a_fit_of_tasks_that_cannot_be_held_in_memory_is_refused(monkeypatch):
    from agentirt_nb.quanta.task_fits import fit_tasks

    monkeypatch.setenv("AGENTIRT_MEMORY", "0.5")
    with pytest.raises(FitError, match=r"300 agents and 400 tasks, needs about .* give fewer agents, tasks or draws"):
        fit_tasks(outcomes_of(300, 400), draws=5000)


def test_a_long_fit_is_announced_and_a_short_one_is_not(monkeypatch, capsys):
    import agentirt_nb.irt.sizes as sizes

    few = outcomes_of(12, 20)
    fit(few, draws=20)
    assert "takes about" not in capsys.readouterr().err
    monkeypatch.setattr(sizes, "TELL_FROM", 1.0)
    fit(few, draws=20)
    assert "A fit of 12 agents and 20 tasks" in (said := capsys.readouterr().err) and "of memory." in said
    fit(few, draws=20, progress=False)
    assert "takes about" not in capsys.readouterr().err


def test_predictions_in_parts_are_those_of_the_whole(monkeypatch):
    import agentirt_nb.irt.prediction as prediction
    from agentirt_nb.irt.rates import expected_pass_rate

    known = large_fit(20, 60, draws=50)
    ask = lambda: (prediction.predict(known), *(expected_pass_rate(known, about=f"{kind} tasks") for kind in ("these", "such")))
    whole = ask()
    monkeypatch.setattr(prediction, "_AT_ONCE", 7 * 50)
    for one, part in zip(whole, ask(), strict=True):
        xr.testing.assert_allclose(one, part, rtol=1e-12)


# --- long sessions ---

SESSION = """
import sys
from test_load import outcomes_of
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.programs import memory_maps
rss = lambda: int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1]) // 1024
for i in range({fits}):
    agents = {first} + {step} * i
    fit(outcomes_of(agents, 12 + i % 30, 4, i), ("1pl", "2pl")[i % {curves}], draws={draws} + i, progress=False)
    print(memory_maps(), rss(), flush=True)
"""


def session(**how):
    code, said, error = in_its_own_process(SESSION.format(**how), timeout=7200)
    assert code == 0, error
    return np.array([line.split() for line in said.splitlines()], int).T


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not count memory maps")
def test_many_shapes_leave_no_more_memory_maps_than_a_few():
    code = "import agentirt_nb.irt.programs as p; p.MOST_PROGRAMS = 12; p.forget_programs.__defaults__ = (12,)\n"
    done, said, error = in_its_own_process(code + SESSION.format(fits=5, first=8, step=16, curves=1, draws=20))
    assert done == 0, error
    maps = np.array([line.split() for line in said.splitlines()], int)[:, 0]
    assert maps.max() - maps[0] < 900, maps  # each shape adds some 270


@pytest.mark.slow
def test_two_hundred_shapes_in_one_process_stay_level():
    maps, memory = session(fits=200, first=6, step=2, curves=2, draws=50)
    assert maps.max() < 12_000, maps
    assert memory[150:].max() < 1.25 * memory[40:60].max(), memory


FITTED = """
from test_load import outcomes_of
from agentirt_nb.irt.inference import fit
print(fit(outcomes_of(9, 15), draws=20, progress=False).posterior.ability.values.sum())
"""
COMPILED = """
import agentirt_nb.irt.inference, jax
print(jax.jit(lambda x: jax.numpy.sin(x) @ x)(jax.numpy.arange(5.0)))
"""


@pytest.mark.parametrize(
    ("code", "spoilt"),
    [
        pytest.param(FITTED, False, marks=pytest.mark.slow),
        pytest.param(FITTED, True, marks=pytest.mark.slow),
        pytest.param(COMPILED, True),
    ],
    ids=["two at once", "a spoilt fit", "a spoilt program"],
)
def test_two_sessions_share_one_folder_of_programs(tmp_path, code, spoilt):
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)]),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    start = lambda: subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    both = [start() for _ in range(1 if spoilt else 2)]
    found = [one.communicate(timeout=200) for one in both]
    assert all(one.returncode == 0 for one in both), found
    folder = tmp_path / "agentirt_nb" / "jax"
    assert folder.stat().st_mode & 0o077 == 0
    assert any(folder.iterdir())
    if spoilt:  # a session that was killed while it wrote
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes()[:100])
        again = start()
        found.append(again.communicate(timeout=200))
        assert again.returncode == 0, found
    assert len({out for out, _ in found}) == 1


# --- charts of any size ---


@functools.cache
def large_fit(agents, tasks, draws=8, seed=0):
    "A fit of simulated agents whose ability rises, with draws scattered around the truth."
    outcomes = simulate_rise(agents=agents, tasks=tasks, years=3.0, seen=3.0, seed=seed)
    rng = np.random.default_rng(seed)
    ability = outcomes.true_ability.values + 0.2 * rng.standard_normal((1, draws, agents))
    difficulty = outcomes.true_difficulty.values + 0.2 * rng.standard_normal((1, draws, tasks))
    llms, scaffolds = np.unique(outcomes.llm.values), np.unique(outcomes.scaffold.values)
    variables = dict(
        ability=(("chain", "draw", "agent"), ability),
        difficulty=(("chain", "draw", "task"), difficulty),
        llm_ability=(("chain", "draw", "llm"), rng.standard_normal((1, draws, len(llms)))),
        scaffold_ability=(("chain", "draw", "scaffold"), rng.standard_normal((1, draws, len(scaffolds)))),
        benchmark_difficulty=(("chain", "draw", "benchmark"), rng.standard_normal((1, draws, 1))),
        difficulty_sd=(("chain", "draw", "benchmark"), np.ones((1, draws, 1))),
    )
    variables |= {f"{name}_sd": (("chain", "draw"), np.ones((1, draws))) for name in ("llm", "scaffold", "residual")}
    labels = dict(agent=outcomes.agent.values, task=outcomes.task.values, llm=llms, scaffold=scaffolds, benchmark=["simulated"])
    about = dict(
        curve="1pl", method="by hand", converged="yes", verdict="Made by hand.", kind="simulated", ability="llm_scaffold"
    )
    about |= dict(features="none", priors=json.dumps(dict(benchmark_difficulty=5.0)), year_zero=2025.0)
    return make_fit(xr.Dataset(variables, labels), outcomes, about)


many_agents = functools.partial(large_fit, 6000, 20)
many_tasks = functools.partial(large_fit, 60, 20_000)


def explored(name, which):
    from agentirt_nb.views import explorers, frontier_explorer

    explorer = {"WhatIf": explorers.WhatIf, "ScalingWhatIf": frontier_explorer.ScalingWhatIf}[name](which(), draws=8)
    return explorer.picture()


def drawn(which, dim):
    from agentirt_nb.irt.fits import draws

    return draws(which(), dim)


@functools.cache
def law_and_trend(which):
    from agentirt_nb.quanta.failure import failure_law
    from agentirt_nb.quanta.forecasts import frontier_trend

    return failure_law(which(), draws=8), frontier_trend(which(), draws=8)


def zones(tasks):
    share = np.random.default_rng(0).dirichlet([1, 1, 1], tasks)
    names = ["too easy", "frontier", "out of reach"]
    cells = {"probability": (("task", "zone"), share)}
    return xr.Dataset(cells, {"task": [f"t{j}" for j in range(tasks)], "zone": names}, {"converged": "yes", "verdict": "Good."})


def forecasts(tasks):
    rng, last = np.random.default_rng(0), np.datetime64("2026-01-01", "ns")
    day = np.datetime64("2025-01-01", "ns") + (rng.random((4, 1, tasks)) * 300).astype("m8[D]").astype("m8[ns]")
    day[1] = np.minimum(day[0], day[1])
    cells = {n: (("forecaster", "task"), x) for n, x in zip(("date", "date_lower", "date_upper"), day, strict=False)}
    cells |= {n: ("forecaster", [0.5]) for n in ("coverage", "mean_error", "crps")} | {"first_solve": ("task", day[3, 0])}
    about = dict(before="2025-01-01", last=str(last)[:10], prob=0.9, benchmark="simulated", converged="yes", verdict="Good.")
    return xr.Dataset(cells, {"forecaster": ["ability trend"], "task": np.arange(tasks).astype(str)}, about)


def worlds(count):
    cells = dict(pass_rate=(("world", "task"), np.random.default_rng(0).random((count, 50))))
    cells |= dict(p_value=(("world", "other"), np.ones((count, count))))
    names = [f"world {i}" for i in range(count)]
    return xr.Dataset(cells, dict(world=names, other=names), dict(kind="simulated", replicates=1))


def bins(count):
    at = np.linspace(0, 1, count)
    return xr.Dataset(dict.fromkeys(("predicted", "observed", "lower", "upper", "trials"), ("bin", at)), attrs=dict(prob=0.9))


def parity_run(steps, subtasks):
    rng = np.random.default_rng(0)
    cells = dict(loss=(("step", "subtask"), rng.random((steps, subtasks))), mean_loss=("step", rng.random(steps)))
    frequency = np.arange(1.0, subtasks + 1) ** -1.4
    cells |= dict(frequency=("subtask", frequency / frequency.sum()))
    return xr.Dataset(cells, dict(step=np.arange(1, steps + 1), subtask=np.arange(subtasks)))


def learned(subtasks):
    use = np.arange(1.0, subtasks + 1) ** -1.4
    about = dict(subtask=np.arange(subtasks), frequency=("subtask", use))
    times = xr.DataArray(1 / use, about, ("subtask",), attrs=dict(last_step=1e6))
    row = lambda mean: dict(mean=mean, lower=mean - 0.1, upper=mean + 0.1)
    names = ["exponent", "log_factor"]
    return times, names, row


def tail(densities, tasks):
    at = np.linspace(-8, 12, 401)
    names = [f"density {i}" for i in range(densities - 1)] + ["normal"]
    cells = dict(height=(("density", "difficulty"), np.ones((densities, 401))), lead=("density", np.arange(densities, 0, -1.0)))
    cells |= dict(converged=("density", ["yes"] * densities))
    about = dict(ablest=2.0, unsolved=3, converged="yes", verdict="Good.")
    return xr.Dataset(cells, dict(density=names, difficulty=at, task=np.arange(tasks).astype(str)), about)


def studies(count):
    rng = np.random.default_rng(0)
    known = dict(parameters=rng.uniform(0.02, 1, count), data=rng.uniform(0.02, 1, count), theory=rng.random(count))
    words = dict.fromkeys(("task", "details", "paper", "category", "architecture", "fit"), "x")
    return pd.DataFrame(known | words | dict(date=pd.Timestamp("2024-01-01")))


def made(name):
    "A chart of something large."
    import agentirt_nb.views.curve_charts as curve
    import agentirt_nb.views.frontier_charts as front
    import agentirt_nb.views.quanta_charts as quanta
    from agentirt_nb.views.draft_charts import zone_chart
    from agentirt_nb.views.ladders import ability_ladder, interval_ladder
    from agentirt_nb.views.maps import wright_map
    from agentirt_nb.views.reliability_charts import reliability_curve
    from agentirt_nb.views.response_curves import item_characteristic_curve
    from agentirt_nb.views.scaling_charts import exponents_chart, studies_chart
    from agentirt_nb.views.world_charts import worlds_chart

    numbers = dict.fromkeys(("alpha", "exponent", "lower", "upper"), np.linspace(0.1, 1, 6000))
    tokens = xr.DataArray(
        np.random.default_rng(0).random((60, 500)) + 0.1, dims=["token", "step"], coords=dict(step=range(1, 501), token=range(60))
    )
    sizes = xr.DataArray(
        np.ones((90, 300)), dims=["n_clusters", "rank"], coords=dict(n_clusters=range(1, 91), rank=range(1, 301))
    )
    around = dict(slope=-1.0, lower=-1.1, upper=-0.9, envelope=("rank", np.arange(300, 0, -1.0)))
    envelope = xr.Dataset(around, dict(rank=range(1, 301)), dict(ranks=(1, 300), prob=0.9))
    marks = lambda: xr.DataArray(np.linspace(-1, 1, 6000), dims="mark", coords=dict(mark=np.arange(6000).astype(str)))
    clusters = xr.DataArray(np.repeat(np.arange(500), 14), dims="sample")
    return {
        "every agent on a ladder": lambda: ability_ladder(many_agents(), top=None),
        "a ladder of LLMs": lambda: ability_ladder(many_agents(), "llm_ability", top=None),
        "a ladder of intervals": lambda: interval_ladder(drawn(many_agents, "ability"), "ability (logits)"),
        "a ladder of difficulties with marks": lambda: interval_ladder(
            drawn(many_tasks, "difficulty"), "difficulty", marks=marks()
        ),
        "a map of agents": lambda: wright_map(many_agents()),
        "a map of agents, all named": lambda: wright_map(many_agents(), top=6000),
        "a map of tasks": lambda: wright_map(many_tasks()),
        "curves of tasks": lambda: item_characteristic_curve(many_tasks()),
        "zones": lambda: zone_chart(zones(20_000)),
        "a law of many agents": lambda: front.failure_chart(law_and_trend(many_agents)[0]),
        "a frontier of many agents": lambda: front.frontier_chart(*law_and_trend(many_agents)),
        "forecasts": lambda: front.forecast_chart(forecasts(20_000)),
        "worlds": lambda: worlds_chart(worlds(60)),
        "reliability": lambda: reliability_curve(bins(6000)),
        "densities": lambda: curve.tail_chart(tail(20, 20_000), tail(20, 1).density.values.tolist()),
        "subtasks": lambda: quanta.subtask_chart(parity_run(2000, 300)),
        "all subtasks": lambda: quanta.subtask_chart(parity_run(300, 6000), most=6000),
        "tokens": lambda: quanta.token_chart(tokens),
        "clusters": lambda: quanta.rank_frequency_chart(sizes, envelope),
        "samples of clusters": lambda: quanta.cluster_browser(clusters, ["context"] * 7000, ["answer"] * 7000, first=499),
        "exponents": lambda: exponents_chart(pd.DataFrame(numbers | dict(kind="data", source="measured"))),
        "studies": lambda: studies_chart(studies(6000)),
        "WhatIf of tasks": lambda: explored("WhatIf", many_tasks),
        "WhatIf of agents": lambda: explored("WhatIf", many_agents),
        "ScalingWhatIf of agents": lambda: explored("ScalingWhatIf", many_agents),
        "ScalingWhatIf of tasks": lambda: explored("ScalingWhatIf", functools.partial(large_fit, 60, 6000)),
    }[name]


CHARTS = re.findall(r'^        "(.+?)": lambda:', Path(__file__).read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_of_something_large_is_drawn_and_stays_below_a_megabyte(name):
    chart = made(name)()
    spec = json.dumps(chart.to_dict())
    assert len(spec) < 1_200_000, len(spec)
    assert max(len(rows) for rows in chart.to_dict().get("datasets", {"": []}).values()) <= 5000


@pytest.mark.parametrize(("name", "said"), [("every agent on a ladder", "best 500 of 6000"), ("zones", "500 of 20,000 tasks")])
def test_a_chart_of_a_part_says_of_how_many(name, said):
    assert said in json.dumps(made(name)().to_dict())


def test_forty_one_curves_are_refused_in_a_sentence():
    from agentirt_nb.messages import AgentirtError
    from agentirt_nb.views.response_curves import item_characteristic_curve

    with pytest.raises(AgentirtError, match="choose at most 40 tasks"):
        item_characteristic_curve(many_tasks(), many_tasks().posterior.task.values[:41])


# --- odd machines ---


@pytest.mark.parametrize("wrong", ["~nobodyatall/x", "a\0b", "n" * 5000])
@pytest.mark.parametrize("place", ["environment", "file", "name of the file"])
def test_a_path_that_leads_nowhere_is_one_sentence(tmp_path, wrong, place):
    env = {"environment": {"AGENTIRT_DATA_FOLDER": wrong}, "name of the file": {"AGENTIRT_SETTINGS": wrong}}.get(place, {})
    if place == "file":
        (tmp_path / "settings.ini").write_text(f"[agentirt]\ndata_folder = {wrong}\n")
    with pytest.raises(SettingsError, match="write the whole path of something that exists") as refusal:
        settings(env=env, start=tmp_path)
    assert str(refusal.value).count(". ") == 0


def test_a_current_folder_that_is_gone_is_one_sentence(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
    code += "from agentirt_nb.settings import settings\nsettings()"
    done, _, error = in_its_own_process(code)
    assert done and "SettingsError: The current folder is gone" in error


def test_a_folder_above_that_may_not_be_entered_has_no_settings(tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    assert settings(env={}, start=tmp_path).seed == 0


HOMELESS = """
import os, pwd
def unknown(*_): raise KeyError("getpwuid(): uid not found")
pwd.getpwuid = unknown
from agentirt_nb.settings import cache_folder
import agentirt_nb.irt.inference, jax
print(jax.config.jax_compilation_cache_dir)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="homes are found otherwise")
def test_without_a_home_programs_are_kept_in_a_temporary_folder_that_is_named(tmp_path):
    done, said, error = in_its_own_process(HOMELESS, HOME=None, XDG_CACHE_HOME=None, TMPDIR=str(tmp_path))
    assert done == 0, error
    assert said.startswith(str(tmp_path)) and "HOME is not set" in error and str(tmp_path) in error
    assert not (Path.cwd() / "~").exists()


def test_without_a_writable_cache_a_fit_works_and_says_once_why(tmp_path):
    (tmp_path / "agentirt_nb").write_text("in the way")
    code = "from test_load import outcomes_of\nfrom agentirt_nb.irt.inference import fit\n"
    code += "for _ in range(2): print(fit(outcomes_of(9, 15), draws=20, progress=False).attrs['converged'])"
    done, said, error = in_its_own_process(code, XDG_CACHE_HOME=str(tmp_path))
    assert (done, said) == (0, "yes\nyes\n"), error
    assert error.count("compiled programs cannot be kept in") == 1


@pytest.mark.parametrize("command", ["--help", "fit --help", "demo --help", "judge --help", "show --help", "fit ability→.csv"])
def test_a_terminal_of_few_letters_gets_every_command(command, tmp_path):
    code = f"import sys; from agentirt_nb.app.cli import main; sys.exit(main({command.split()!r}))"
    done, said, error = in_its_own_process(code, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert "UnicodeEncodeError" not in error and "fault" not in error and done in (0, 2), error
    assert said or error
