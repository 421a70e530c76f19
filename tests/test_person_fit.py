"Whether an agent fits: parity with eRm, level and power, a contaminated LLM, and the simplest inputs."

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from test_item_fit import board, by_hand, fits, plain, reference, simplest

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.person_fit import agent_statistics, leaked_tasks, surprises
from agentirt_nb.messages import AgentirtError


def test_infit_and_outfit_of_agents_are_those_of_erm():
    kept, known = reference()
    table = agent_statistics(known)
    np.testing.assert_allclose(table.infit, kept["agent_infit"], atol=1e-6)
    np.testing.assert_allclose(table.outfit, kept["agent_outfit"], atol=1e-6)


def contaminated(seed, leaked=20, per=5, agents=60, tasks=200):
    "Outcomes of agents, the first few of one LLM that knows some tasks, and the labels of these tasks."
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(0, 1.2, (agents, 1)) - rng.normal(0, 1.5, tasks))
    known = rng.choice(tasks, leaked, replace=False)
    p[:per, known] = 0.98
    who = pd.DataFrame({"llm": [f"LLM {i // per:02}" for i in range(agents)]}, index=[f"agent {i + 1:02}" for i in range(agents)])
    names = np.array([f"task {j + 1:03}" for j in range(tasks)])
    return from_arrays(rng.binomial(1, p), np.ones(p.shape, int), agents=who, tasks=names), names[known]


@cache
def leaking(number, first=200, ability="agent", **how):
    made = [contaminated(first + seed, **how) for seed in range(number)]
    return [(fit(outcomes, ability=ability, progress=False), known) for outcomes, known in made]


def test_five_percent_of_sound_agents_are_flagged_at_five_percent():
    for agents, tasks, number in ((14, 100, 5), (60, 200, 3)):
        tables = [agent_statistics(each) for each in fits(number, agents, tasks)]
        p = np.concatenate([table.p.values for table in tables])
        assert 0.0 < np.nanmean(p < 0.05) <= 0.1
        assert np.mean([int(table.odd.sum()) for table in tables]) <= 0.5


@pytest.mark.slow
def test_the_level_of_person_fit_lies_between_three_and_seven_percent():
    for agents, tasks, number in ((14, 100, 40), (60, 200, 20)):
        tables = [agent_statistics(each) for each in fits(number, agents, tasks, 500)]
        p = np.concatenate([table.p.values for table in tables])
        assert 0.03 <= np.nanmean(p < 0.05) <= 0.07, (agents, np.nanmean(p < 0.05))


def test_an_agent_whose_runs_are_mixed_up_is_odd():
    outcomes = board(60, 200, 5)
    rng = np.random.default_rng(0)
    outcomes["successes"][7] = rng.permutation(outcomes.successes.values[7])
    table = agent_statistics(fit(outcomes, ability="agent", progress=False))
    assert table.odd.values[7] and table.infit_z.values[7] > 3
    assert table.odd.sum() == 1


def passes_in_order(table, llm, known):
    "Whether each pass of an LLM's agents on its ranked tasks is on one that leaked."
    ranked = table.sel(llm=llm)
    return np.repeat(np.isin(ranked.task.values, known), ranked.passed.values.astype(int))


def power_of(found):
    "Over boards: LLM suspected, others suspected, share of its agents, share of the others, leaked among its first 20 passes."
    rows = []
    for each, known in found:
        table = leaked_tasks(each, seed=0)
        own, p = table.of_llm.values == "LLM 00", table.agent_p.values
        others = table.suspected.values[table.llm.values != "LLM 00"].sum()
        on = passes_in_order(table, "LLM 00", known)[:20].sum()
        rows.append((table.suspected.sel(llm="LLM 00").item(), others, (p[own] < 0.05).mean(), (p[~own] < 0.05).mean(), on))
    return np.mean(rows, 0)


def test_a_contaminated_llm_is_found_its_agents_named_and_its_most_surprising_passes_are_leaked():
    seen, others, own, false, on = power_of(leaking(3))
    assert seen >= 2 / 3 and others <= 1 / 3
    assert own >= 0.6 and false <= 0.07
    assert on >= 19


@pytest.mark.slow
def test_contamination_is_found_on_twenty_boards_and_with_abilities_split_into_parts():
    for found in (leaking(20, 1000), leaking(10, 1100, "llm_scaffold")):
        seen, others, own, false, on = power_of(found)
        assert seen >= 0.85 and others <= 0.15
        assert own >= 0.6 and false <= 0.07
        assert on >= 19


def test_sound_llms_are_left_alone():
    tables = [leaked_tasks(each, seed=0) for each, _ in leaking(3, 300, leaked=0)]
    assert sum(int(table.suspected.sum()) for table in tables) <= 1
    assert np.mean([(table.p < 0.05).mean() for table in tables]) <= 0.1


@pytest.mark.slow
def test_the_level_of_leaks_is_at_most_seven_percent():
    tables = [leaked_tasks(each, seed=0) for each, _ in leaking(20, 1200, leaked=0)]
    assert np.mean([(table.p < 0.05).mean() for table in tables]) <= 0.07
    assert np.mean([(table.agent_p < 0.05).mean() for table in tables]) <= 0.07  # it hangs on few tasks: often below 3 %


def test_surprises_are_in_order_and_as_many_as_are_due():
    known = fits(3, 60, 200)[0]
    table = surprises(known, most=400)
    assert (np.diff(table.probability) >= 0).all()
    assert 0.7 < table.due[-1] / 400 < 1.4
    one = surprises(known, "agent 007", kind="failures", most=1000)
    seen = known["observed_data"].successes.sel(agent="agent 007")
    assert set(one.agent.values) == {"agent 007"} and one.sizes["cell"] == int((seen == 0).sum())
    assert set(one.surprise.values) == {"failure"}
    with pytest.raises(FitError, match="has no agent 'agent 7'"):
        surprises(known, "agent 7")
    with pytest.raises(FitError, match="has the LLM 'GPT'"):
        surprises(known, llm="GPT")
    with pytest.raises(AgentirtError, match="give 'passes'"):
        surprises(known, kind="pass")


def test_the_simplest_outcomes_accuse_nobody():
    for name, (k, n) in simplest().items():
        known = by_hand(plain(k, n))
        table, leaks, cells = agent_statistics(known), leaked_tasks(known, seed=0), surprises(known)
        assert not table.odd.any() and not leaks.suspected.any(), name
        assert leaks.sizes["llm"] == table.sizes["agent"]  # no LLM is named: each agent stands alone
        assert cells.sizes["cell"] == min(20, int((n > 0).sum()))
        assert np.isnan(leaks.agent_p).all()
