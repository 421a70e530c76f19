"""Trials gathered to outcomes, as a person with a folder of logs meets it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentirt_nb.data.outcomes import OutcomesError, validate
from agentirt_nb.data.trials import OBSERVED, STATES, Trial, gather, plain_llm, plain_scaffold

WHO = dict(llm="m", scaffold="s")


def trial(task: str, passed: bool | None = True, **more) -> Trial:
    return Trial(task=task, passed=passed, **(more if {"agent", "llm", "scaffold"} & set(more) else WHO | more))


def rest(**more) -> Trial:
    return Trial(task="", passed=False, state="rest", **more)


def cells(trials, **options) -> dict[tuple[str, str], tuple[int, int]]:
    "Successes and trials of each cell that was run."
    made, _ = gather(trials, **options)
    validate(made)
    table = made[["successes", "trials"]].to_dataframe()
    return {key: (int(row.successes), int(row.trials)) for key, row in table.iterrows() if row.trials}


# ---- repeats


def test_runs_of_one_agent_in_several_files_are_repeats_in_whatever_order_they_come():
    trials = [trial("a", passed, source=f"run{i}.json") for i, passed in enumerate([True, False, True])] + [trial("b", False)]
    for start in range(4):
        trials = trials[start:] + trials[:start]
        assert cells(trials) == {("m in s", "a"): (2, 3), ("m in s", "b"): (0, 1)}


def test_equal_trials_without_an_id_are_repeats_and_never_copies():
    assert cells([trial("a"), trial("a")]) == {("m in s", "a"): (2, 2)}


def test_agents_are_told_apart_by_their_scaffold_and_joined_by_their_plain_names():
    trials = [
        trial("a", llm="openai/m", scaffold="lib:Agent"),
        trial("a", llm="azure/openai/m", scaffold="Agent"),
        trial("a", llm="m", scaffold="Other"),
        trial("a", llm="m"),
    ]
    assert set(cells(trials)) == {("m in Agent", "a"), ("m in Other", "a"), ("m", "a")}
    made, _ = gather(trials)
    assert made.llm_in_log.values.tolist() == ["openai/m", "m", "m"]  # what the log of the first says
    assert made.scaffold_in_log.values.tolist() == ["lib:Agent", "Other", ""]


def test_an_agent_whose_name_stands_for_two_llms_is_told_of():
    _, tally = gather([trial("a", agent="x", llm="m1"), trial("b", agent="x", llm="m2"), trial("a", agent="y", llm="m1")])
    assert tally.unlike == ("x",) and "Several LLMs or scaffolds go by one name, and the first counts: x." in tally.sentences()


# ---- copies


def test_a_folder_that_holds_a_copy_of_itself_counts_once():
    trials = [trial(task, i % 2 == 0, key=f"{task}/{i}", source=f"{i}.json") for task in "abc" for i in range(3)]
    once = cells(trials)
    assert cells([*trials, *trials]) == once and gather([*trials, *trials])[1].duplicates == 9


def test_of_two_files_that_tell_of_one_trial_each_lends_what_it_knows():
    verdict = trial("a", True, key="1", date="2025-05-01", failure="")
    money = trial("a", None, key="1", cost=3.0, tokens=7.0, human_minutes=4.0, benchmark="B", group="g", organisation="o")
    for pair in [(verdict, money), (money, verdict)]:
        made, tally = gather(pair)
        assert (tally.counted, tally.passed, tally.duplicates) == (1, 1, 1)
        assert (made.cost.item(), made.tokens.item(), made.human_minutes.item()) == (3.0, 7.0, 4.0)
        assert (made.benchmark.item(), made.group.item(), made.organisation.item()) == ("B", "g", "o")
        assert np.datetime_as_string(made.date.values[0], "D") == "2025-05-01"


def test_a_copy_that_was_scored_goes_before_one_that_died_and_keeps_its_own_words():
    dead = trial("a", None, state="died", failure="ConnectionError", key="1")
    for pair in [(dead, trial("a", True, key="1", cost=1.0)), (trial("a", True, key="1", cost=1.0), dead)]:
        made, tally = gather(pair)
        assert (tally.counted, tally.passed, not tally.states) == (1, 1, True) and "failure" not in made


def test_a_copy_that_does_not_know_its_agent_learns_it_from_the_other():
    known, blank, half = trial("a", key="1"), Trial(task="a", passed=True, key="1", cost=3.0), trial("a", key="1", llm="m")
    for trials in [(known, blank), (blank, known), (half, known), (half, blank, known)]:
        made, tally = gather(trials)
        assert made.agent.values.tolist() == ["m in s"] and tally.counted == 1


def test_one_id_of_two_agents_that_differ_is_two_trials():
    assert cells([trial("a", key="1", llm="m1", scaffold="s"), trial("a", key="1", llm="m2")]) == {
        ("m1 in s", "a"): (1, 1),
        ("m2", "a"): (1, 1),
    }


# ---- what counts


@pytest.mark.parametrize("state", [name for name in STATES if name != "rest"])
@pytest.mark.parametrize("passed", [True, False, None])
def test_a_state_counts_if_it_is_observed_and_scored(state, passed):
    trials = [trial("b"), trial("a", passed, state=state)]
    scored = state in OBSERVED and (passed is not None or state == "empty")
    assert (("m in s", "a") in cells(trials)) == scored
    wider = passed is not None or state not in ("scored", "own limit")  # nobody knows what a run without a score is
    assert (("m in s", "a") in cells(trials, observed=[*OBSERVED, state])) == wider
    if wider:
        assert cells(trials, observed=[*OBSERVED, state])["m in s", "a"] == (passed is True, 1)


def test_the_report_says_what_did_not_count_and_what_the_other_choice_would_give():
    trials = [*[trial(f"t{i}") for i in range(3)], trial("a", None, state="died", failure="E"), trial("b", None)]
    first, second = gather(trials)[1].sentences()
    assert first == "3 trials counted, 3 of them passed."
    assert second == (
        "Not counted: 1 died, 1 without a score (1 E). As failures they would lower the pass rate from 100.0% to 75.0%."
    )


def test_one_state_may_be_given_as_a_word_and_the_rest_is_none():
    assert cells([trial("a"), trial("b", state="own limit")], observed="own limit") == {("m in s", "b"): (1, 1)}
    with pytest.raises(OutcomesError, match="'rest' is unknown"):
        gather([trial("a")], observed=["scored", "rest"])
    with pytest.raises(OutcomesError, match="did you mean 'died'"):
        gather([trial("a")], observed="dead")
    with pytest.raises(OutcomesError, match="None of 1 trial counts"):
        gather([trial("a")], observed=[])


# ---- what a file does not name


def test_what_a_file_of_solved_tasks_does_not_name_was_not_run_until_somebody_says_so():
    trials = [trial("a", agent="x"), rest(agent="x"), trial("b", False, agent="y")]
    assert cells(trials) == {("x", "a"): (1, 1), ("y", "b"): (0, 1)} and gather(trials)[1].rest == 1
    assert cells(trials, tasks="union") == {("x", "a"): (1, 1), ("x", "b"): (0, 1), ("y", "b"): (0, 1)}
    assert cells(trials, tasks=["a", "c", "c"]) == {("x", "a"): (1, 1), ("x", "c"): (0, 1), ("y", "b"): (0, 1)}


def test_an_agent_that_solved_nothing_is_there_if_a_list_says_what_it_tried():
    trials = [rest(agent="x"), trial("a", agent="y")]
    assert "x" not in gather(trials)[0].agent.values
    assert cells(trials, tasks="union")["x", "a"] == (0, 1)


def test_a_list_of_tasks_makes_no_failure_of_what_died_or_is_told_of_elsewhere():
    trials = [trial("a", agent="x"), trial("b", None, state="died", agent="x"), rest(agent="x")]
    assert cells(trials, tasks=["a", "b", "c"]) == {("x", "a"): (1, 1), ("x", "c"): (0, 1)}
    trials = [
        trial("a", agent="x", source="results"),
        rest(agent="x", source="results"),
        trial("b", False, agent="x", source="report"),
    ]
    assert cells(trials, tasks=["a", "b", "c"]) == {("x", "a"): (1, 1), ("x", "b"): (0, 1), ("x", "c"): (0, 1)}


def test_two_runs_of_which_files_name_only_what_was_solved_are_two_trials_of_each_task():
    trials = [
        x for file, task in [("1", "a"), ("2", "b")] for x in (trial(task, agent="x", source=file), rest(agent="x", source=file))
    ]
    assert cells(trials, tasks=["a", "b", "c"]) == {("x", "a"): (1, 2), ("x", "b"): (1, 2), ("x", "c"): (0, 2)}


def test_a_copied_file_of_solved_tasks_adds_no_failures():
    files = [[trial("a", agent="x", key="run/a", source=name), rest(agent="x", source=name)] for name in ("1", "copy/1")]
    assert cells([*files[0], *files[1]], tasks=["a", "b"]) == {("x", "a"): (1, 1), ("x", "b"): (0, 1)}


def test_no_agent_fails_the_tasks_of_a_benchmark_that_it_was_not_in():
    trials = [trial("a", agent="x", benchmark="B"), rest(agent="x", benchmark="B"), trial("z", False, agent="y", benchmark="C")]
    assert cells(trials, tasks="union") == {("x", "a"): (1, 1), ("y", "z"): (0, 1)}
    assert cells(trials, tasks=["a", "b", "z"]) == {("x", "a"): (1, 1), ("x", "b"): (0, 1), ("y", "z"): (0, 1)}


def test_a_task_that_was_solved_is_not_failed_because_its_name_had_to_be_told_apart():
    trials = [trial("a", agent="x", benchmark="B"), rest(agent="x", benchmark="B"), trial("a", False, agent="y", benchmark="C")]
    assert cells(trials, tasks=["a"]) == {("x", "B/a"): (1, 1), ("y", "C/a"): (0, 1)}


def test_a_word_that_is_no_list_of_tasks_is_refused_and_an_empty_list_leaves_the_question_open():
    trials = [trial("a", agent="x"), rest(agent="x")]
    with pytest.raises(OutcomesError, match="'union'"):
        gather(trials, tasks="all")
    assert gather(trials, tasks=[])[1].rest == 1


# ---- names


def test_tasks_of_one_name_in_two_benchmarks_are_two_tasks():
    trials = [trial("3", benchmark="airline"), trial("3", False, benchmark="retail"), trial("4", benchmark="retail"), trial("3")]
    assert cells(trials) == {(("m in s"), task): (task != "retail/3", 1) for task in ["airline/3", "retail/3", "4", "3"]}
    odd = [trial("a", benchmark="B"), trial("a", False, benchmark="C"), trial("B/a", benchmark="D")]
    assert len(cells(odd)) == 3


def test_blanks_and_letters_that_are_none_do_not_break_a_folder():
    trials = [trial(" a "), trial("a"), trial("b\ud800"), Trial(task="a", passed=True, llm="\ud800x", benchmark="\udfff")]
    assert cells(trials) == {("m in s", "a"): (2, 2), ("m in s", "b?"): (1, 1), ("?x", "a"): (1, 1)}


@pytest.mark.parametrize("blank", ["", " ", "unknown", "N/A", "None", "-", "?", "undisclosed", "none/none", "nan"])
def test_a_placeholder_is_no_name(blank):
    assert (plain_llm(blank), plain_scaffold(blank)) == ("", "")
    made, _ = gather([Trial(task="a", passed=True, llm=blank, scaffold=blank), Trial(task="a", passed=True)])
    assert made.agent.values.tolist() == ["undisclosed"]


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("openai_gpt-4.1", "gpt-4.1"),
        ("togetherai_moonshotai_Kimi-K2-Instruct", "Kimi-K2-Instruct"),
        ("openai:gpt-realtime-2", "gpt-realtime-2"),
        ("openai/azure/gpt-4o-mini", "gpt-4o-mini"),
        ("llama3:8b", "llama3:8b"),
        ("gpt_4_o_2024_05_13", "gpt_4_o_2024_05_13"),
        ("google-gemma_2", "google-gemma_2"),
        ("/x/.cache/huggingface/models--Qwen--Qwen3-8B/snapshots/b9/", "Qwen3-8B"),
    ],
)
def test_the_route_to_an_llm_is_no_part_of_its_name(raw, plain):
    assert plain_llm(raw) == plain


# ---- facts and layers


def test_layers_are_means_over_the_runs_that_count_and_a_pass_without_a_share_is_a_whole_one():
    trials = [
        trial("a", False, share=0.5, cost=1.0, failure="E"),
        trial("a", True, cost=3.0),
        trial("a", False, share=0.0, cost=99.0, state="died", failure="F"),
        trial("b", False, failure="E"),
        trial("b", False, failure="G"),
        trial("b", False, failure="G"),
    ]
    made, _ = gather(trials)
    assert made.share.values.tolist() == [[0.75, 0.0]]
    assert made.cost.values[0, 0] == 2.0 and math.isnan(made.cost.values[0, 1])
    assert made.failure.values.tolist() == [["E", "G"]]


def test_one_trial_is_enough_and_a_generator_is_read_once():
    made, tally = gather(trial(task) for task in "ab")
    assert made.sizes == {"agent": 1, "task": 2} and tally.counted == 2
    assert made.attrs.get("source") is None and gather([trial("a")], attrs={"source": "here"})[0].attrs["source"] == "here"


# ---- many, and any


def test_a_hundred_thousand_trials_are_gathered_in_seconds_with_their_copies():
    trials = [
        Trial(
            task=f"t{i % 500}",
            passed=i % 3 == 0,
            llm=f"x/m{i // 500 % 100}",
            state="died" if i % 17 == 0 else "scored",
            failure="" if i % 3 == 0 else f"E{i % 5}",
            benchmark=f"B{i % 7}",
            key=f"k{i}",
            source=f"{i // 100}.json",
            cost=1.0,
        )
        for i in range(90_000)
    ]
    trials += trials[:10_000]
    _, tally = gather(trials)
    assert (tally.counted, tally.duplicates) == (sum(x.state == "scored" for x in trials[:90_000]), 10_000)
    made, tally = gather([Trial(task=f"t{i}", passed=True, llm="m", benchmark="B", failure="E") for i in range(20_000)])
    assert made.sizes["task"] == 20_000


TEXTS = st.sampled_from(["", "a", "b", "B/a", " a", "x/a", "unknown", "\ud800"])
SOME = st.builds(
    Trial,
    task=st.sampled_from(["a", "b", "B/a", " a ", "\ud800"]),
    passed=st.sampled_from([True, False, None]),
    state=st.sampled_from([name for name in STATES if name != "rest"]),
    agent=TEXTS,
    llm=TEXTS,
    scaffold=TEXTS,
    benchmark=st.sampled_from(["", "B", "C"]),
    group=TEXTS,
    failure=TEXTS,
    cost=st.sampled_from([math.nan, 0.0, 2.0]),
    key=st.sampled_from(["", "", "1", "2"]),
    source=st.sampled_from(["f", "g"]),
)
REST = st.builds(
    Trial, task=st.just(""), passed=st.just(False), state=st.just("rest"), agent=TEXTS, benchmark=st.sampled_from(["", "B"])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(SOME, SOME, SOME, REST), max_size=12), st.sampled_from([None, "union", ["a", "c"]]))
def test_whatever_is_gathered_adds_up_or_is_refused_in_words(trials, tasks):
    try:
        made, tally = gather(trials, tasks=tasks)
    except OutcomesError as reason:
        assert (
            "no trial in what was read" in str(reason)
            or "trial counts" in str(reason)
            or "trials counts" in str(reason)
            or "None of the 2 tasks" in str(reason)
        )
        return
    validate(made)
    assert (int(made.successes.sum()), int(made.trials.sum())) == (tally.passed, tally.counted)
    if tasks is None:
        told = sum(trial.state != "rest" for trial in trials)
        assert tally.counted + sum(tally.states.values()) + tally.duplicates == told
    assert all(isinstance(sentence, str) for sentence in tally.sentences())
