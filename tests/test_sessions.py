"A session loses no answer and gives no task twice: not by a kill at any byte, not by two workers; edited files are refused."

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from test_cli import agentirt, inside, refused
from test_writing import Killed, content, hook, killed  # noqa: F401

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.outcomes import open_outcomes
from agentirt_nb.files import TakenPathError, put_back
from agentirt_nb.irt import sessions
from agentirt_nb.irt.fits import save_fit
from agentirt_nb.irt.sequential import decision, log_evidence, rank_error
from agentirt_nb.irt.session_model import session_prior
from agentirt_nb.irt.sessions import (
    AdaptiveSession,
    Asked,
    Ledger,
    SessionError,
    differences,
    next_runs,
    replay,
    session_outcomes,
    session_result,
)
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.journals import Journal
from agentirt_nb.messages import AgentirtError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def snapshot():
    "The fit that ships with the package."
    return load_snapshot()


@pytest.fixture(scope="module")
def prior(snapshot):
    "What is believed of any agent on GSO."
    return session_prior(snapshot, benchmark="gso")


@pytest.fixture
def session(prior, tmp_path):
    "A session that is kept."
    return AdaptiveSession(prior, tmp_path / "night", agents=["A", "B"])


# --- nothing is lost ---


def cut(after):
    "A write that is killed after so many bytes."

    def write(handle, text, write=os.write):
        write(handle, text[:after])
        raise Killed

    return write


def test_a_kill_after_any_byte_leaves_a_journal_with_or_without_the_last_record(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # a killed process leaves the memory of the system alone
    path, records = tmp_path / "journal.jsonl", [dict(answer=i, name="a task with a \u2028 name") for i in range(3)]
    line = len(json.dumps(records[1])) + 1
    for after in range(line + 1):
        path.write_bytes(json.dumps(records[0]).encode() + b"\n")
        with (journal := Journal(path)).held() as found:
            assert found == records[:1]
            with patch("os.write", cut(after)), pytest.raises(Killed):
                journal.add(records[1:2])
        with (journal := Journal(path)).held() as found:
            assert found == records[: 2 if after >= line - 1 else 1]  # only the line end is missing, or nothing
            journal.add(records[2:])
        with Journal(path).held() as found:
            assert found[-1] == records[2]


@pytest.mark.parametrize("left", [40, 2, 1, 0])
def test_an_answer_that_was_cut_short_is_told_again_and_counts_once(session, tmp_path, left):
    tasks, journal = list(session.ledger.tasks), tmp_path / "night" / "journal.jsonl"
    session.tell(tasks[0], True, agent="A")
    before = journal.read_bytes()
    session.tell(tasks[1], False, agent="A")
    line = len(journal.read_bytes()) - len(before)
    journal.write_bytes(before)
    one = AdaptiveSession.resume(tmp_path / "night")
    with patch("os.write", cut(line - left)), pytest.raises(Killed):
        one.tell(tasks[1], False, agent="A")
    again = AdaptiveSession.resume(tmp_path / "night")
    assert list(again.ledger.answers) == [Asked("A", task) for task in tasks[: 2 if left <= 1 else 1]]
    again.tell(tasks[1], False, agent="A")  # as a harness does that got no receipt
    answers = AdaptiveSession.resume(tmp_path / "night").ledger.answers
    assert answers == {Asked("A", tasks[0]): True, Asked("A", tasks[1]): False}


def test_a_kill_while_a_session_is_made_leaves_none_or_all_of_it(prior, tmp_path, hook):  # noqa: F811
    for after in range(0, 400, 9):
        (home := tmp_path / str(after)).mkdir()
        died = killed(lambda: AdaptiveSession(prior, home / "s"), home, after)
        if put_back(home / "s").exists():
            assert AdaptiveSession.resume(home / "s").ask()
        else:
            AdaptiveSession(prior, home / "s")  # the name is free
        if not died:
            break
    assert not died and after > 20


OTHERS = """
import os, random, signal, time
from agentirt_nb.irt.sessions import AdaptiveSession


def work(name, writing, runs, cost):
    session = AdaptiveSession.resume(name)
    for _ in range(runs):
        for run in session.ask(2, worker=str(os.getpid() if cost else "w")):
            session.tell(run, len(run.task) % 2 == 0, cost=cost)
            os.write(writing, (run.agent + "\\t" + run.task + "\\n").encode())
    os._exit(0)


for kill in range(8):
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        work("night", writing, 50, None)
    os.close(writing)
    receipts = os.read(reading, 65536)  # it has begun
    time.sleep(random.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open("receipts", "ab") as file:
        file.write(receipts)
        while text := os.read(reading, 65536):
            file.write(text)
workers = []
for cost in (1.0, 2.0):
    if (child := os.fork()) == 0:
        work("shared", os.open(os.devnull, os.O_WRONLY), 8, cost)
    workers.append(child)
assert [os.waitpid(child, 0)[1] for child in workers] == [0, 0]
"""


@pytest.fixture(scope="module")
def others(prior, tmp_path_factory):
    "A folder in which other processes have worked on two sessions: eight that were killed, one after the other, and two at once."
    if not hasattr(os, "fork"):
        pytest.skip("forks")
    home = tmp_path_factory.mktemp("others")
    for name in ("night", "shared"):
        AdaptiveSession(prior, home / name, agents=["A", "B"])
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OTHERS]
    done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return home


def test_eight_kills_in_the_middle_lose_nothing_that_was_receipted(others):
    receipts = [tuple(line.split("\t")) for line in (others / "receipts").read_text().splitlines()]
    kept = AdaptiveSession.resume(others / "night").ledger
    assert receipts and len(set(receipts)) == len(receipts)
    assert set(receipts) <= {(key.agent, key.task) for key in kept.answers}
    assert len(kept.answers) - len(receipts) <= 8 and len(kept.pending) <= 2
    assert all(passed == (len(key.task) % 2 == 0) for key, passed in kept.answers.items())


def test_two_workers_at_once_never_run_the_same_task(others):
    lines = [json.loads(line) for line in (others / "shared" / "journal.jsonl").read_text().splitlines()[1:]]
    asked = [(line["agent"], line["task"]) for line in lines if line["do"] == "ask"]
    assert len(asked) == len(set(asked)) == 32
    kept = AdaptiveSession.resume(others / "shared").ledger
    assert len(kept.answers) == 32 and not kept.pending
    assert sorted(kept.costs.values()) == [1.0] * 16 + [2.0] * 16


def test_a_full_disk_leaves_the_session_as_it_was(session, tmp_path):
    def full(handle, text):
        raise OSError(28, "No space left on device")

    run, before = session.ask()[0], content(tmp_path)
    with patch("os.write", full), pytest.raises(AgentirtError, match="No space left on device; make room"):
        session.tell(run, True)
    assert content(tmp_path) == before and not session.ledger.answers
    session.tell(run, True)
    assert AdaptiveSession.resume(tmp_path / "night").ledger.answers == {run: True}


# --- what is refused ---

EDITED = {
    "no JSON": "my notes",
    "no record": "[1, 2]",
    "an unknown agent": '{"do": "tell", "agent": "C", "task": "T", "passed": true}',
    "an unknown task": '{"do": "tell", "agent": "A", "task": "nothing", "passed": true}',
    "an answer that is none": '{"do": "tell", "agent": "A", "task": "T", "passed": "yes"}',
    "an answer that is a list": '{"do": "tell", "agent": "A", "task": "T", "passed": []}',
    "a name that is a list": '{"do": "tell", "agent": ["A"], "task": "T", "passed": true}',
    "a cost that is infinite": '{"do": "tell", "agent": "A", "task": "T", "passed": true, "cost": Infinity}',
    "a run that is none": '{"do": "ask", "agent": "A", "task": "T", "run": 0}',
    "nothing that happens": '{"do": "dance", "agent": "A", "task": "T"}',
    "deep": "[" * 100_000,
    "too long": '{"do": "' + "x" * 1_100_000 + '"}',
}


@pytest.mark.parametrize("case", EDITED)
def test_a_journal_that_somebody_edited_is_refused_in_a_sentence(session, tmp_path, case):
    journal = tmp_path / "night" / "journal.jsonl"
    text = EDITED[case].replace('"T"', json.dumps(next(iter(session.ledger.tasks))))
    with journal.open("a") as file:
        file.write(text + "\n")
    with pytest.raises(AgentirtError) as refusal:
        AdaptiveSession.resume(tmp_path / "night")
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(
    "first",
    ["{}", '{"session": 2, "rules": {}, "prior": [0, 0]}', '{"session": 1, "rules": {"stop": 3}, "prior": [0, "x"]}', "0"],
)
def test_a_session_with_other_rules_is_refused_in_a_sentence(session, tmp_path, first):
    (tmp_path / "night" / "journal.jsonl").write_text(first + "\n")
    with pytest.raises(AgentirtError):
        AdaptiveSession.resume(tmp_path / "night")


def test_a_prior_that_was_damaged_is_refused(session, tmp_path):
    path = tmp_path / "night" / "prior-0.nc"
    (middle := bytearray(path.read_bytes()))[2000] ^= 1
    path.write_bytes(middle)
    with pytest.raises(AgentirtError):
        AdaptiveSession.resume(tmp_path / "night")


def test_a_new_session_never_takes_the_place_of_anything(prior, session, tmp_path):
    (tmp_path / "letter").write_text("years of work")
    before = content(tmp_path)
    for name in ("night", "letter"):
        with pytest.raises(TakenPathError, match="is there already"):
            AdaptiveSession(prior, tmp_path / name)
    assert content(tmp_path) == before


def test_contradictions_are_refused_and_repetitions_are_not_counted_twice(session):
    task = next(iter(session.ledger.tasks))
    for _ in range(3):
        session.tell(task, "fail", agent="A", cost=2.0)
    assert session.stands("runs") == 1 and session.stands("cost") == 2.0
    with pytest.raises(SessionError, match=r"run 1 of 'A' on .* failed, and now it is told that it passed; with replace=True"):
        session.tell(task, True, agent="A")
    session.tell(task, True, agent="A", replace=True)
    session.tell(task, True, agent="B")
    assert session.ledger.answers == {Asked("A", task): True, Asked("B", task): True}


# --- what is asked ---


def test_a_failure_of_the_harness_is_not_the_agents(prior):
    session = AdaptiveSession(prior, agents="A", seed=3)
    first = session.ask()[0]
    session.tell(first, None)
    assert (
        session_result(session).value.sel(of="score").item()
        == session_result(AdaptiveSession(prior)).value.sel(of="score").item()
    )
    with pytest.warns(UserWarning, match="is left out"):
        session.tell(first.task, "none")
    assert first.task not in {run.task for run in session.ask(200)}
    session.tell(first.task, True)  # an answer after all
    assert session.ledger.answers == {first: True}


def test_every_task_is_given_once_and_then_none(prior):
    session = AdaptiveSession(prior, agents="A", cannot=[prior.task.values[0]])
    asked = [run for _ in range(12) for run in session.ask(10)]
    assert len(set(asked)) == len(asked) == prior.sizes["task"] - 1
    assert session.ask() == [] and session.release() == len(asked) and len(session.ask(5)) == 5


def test_a_task_may_be_run_again_where_that_is_allowed_and_then_runs_are_named(prior):
    session = AdaptiveSession(prior, agents="A", repeats=3, tasks=None)
    asked = session.ask(150)
    assert len(set(asked)) == 150 and max(run.run for run in asked) >= 2
    with pytest.raises(SessionError, match="say which run"):
        session.release()
        session.tell(asked[0].task, True)
    session.tell(asked[0].task, True, run=1)
    session.tell(asked[0].task, False, run=2)
    assert session_outcomes(session).trials.item() == 2


def test_a_budget_is_not_overdrawn_and_cheap_tasks_go_first(prior):
    price = np.where(np.arange(prior.sizes["task"]) % 2, 1.0, 50.0)
    session = AdaptiveSession(prior, agents="A", cost=price, stop=dict(cost=7.5))
    asked = session.ask(20)
    assert sum(price[session.ledger.tasks[run.task]] for run in asked) > 0
    while runs := session.ask(1, worker=""):
        session.tell(runs[0], True)
    for run in list(session.ledger.pending):
        session.tell(run, False)
    assert session.stands("cost") <= 20  # one batch is planned together


def test_runs_never_exceed_their_number_not_even_with_two_workers(prior):
    session = AdaptiveSession(prior, agents=["A", "B"], stop=dict(runs=7))
    assert len(session.ask(5)) == 5 and len(session.ask(5)) == 2 and session.ask() == []
    for run in list(session.ledger.pending):
        session.tell(run, True)
    assert session.stopped == "7 runs are told"


def test_two_agents_of_a_contrast_run_the_same_tasks(prior):
    session = AdaptiveSession(prior, agents=["A", "B"], criterion="contrast", stop=dict(rank=0.05, undecidable=0.01))
    while runs := session.ask():
        session.tell(runs[0], runs[0].agent == "B")
    assert session.stopped == "each pair of agents is told apart"
    tasks, gap = differences(session.ledger, "A", "B")
    assert len(tasks) == 12 and decision(gap)[:3] == (True, 12, -1)


def test_two_alike_agents_are_soon_known_not_to_be_told_apart(prior):
    rng = np.random.default_rng(0)
    session = AdaptiveSession(prior, agents=["A", "B"], criterion="contrast", stop=dict(rank=0.05, undecidable=0.1))
    answers = dict.fromkeys(session.ledger.tasks, False)
    for task in answers:
        answers[task] = bool(rng.random() < 0.5)
    while runs := session.ask():
        session.tell(runs[0], answers[runs[0].task])
    assert session.stopped.startswith("the chance that the tasks left tell the agents apart is below 10%")
    assert len(session.ledger.answers) < 180


def test_a_replay_of_all_tasks_ends_in_the_recorded_score(prior):
    rng, names = np.random.default_rng(1), prior.task.values
    recorded = from_arrays((rng.random((1, len(names))) < 0.3).astype(int), agents=["A"], tasks=names)
    found = session_result(replay(AdaptiveSession(prior, agents="A"), recorded)).sel(agent="A", of="score")
    ends = [found[name].item() for name in ("value", "lower", "upper")]
    assert np.allclose(ends, recorded.successes.values.mean(), atol=1e-6)


# --- the evidence ---


def test_common_tasks_only_ever_grow_at_the_end_whatever_happens():
    rng, common = np.random.default_rng(0), 0
    for _ in range(20):
        ledger, seen, tasks = Ledger(["A", "B"], [f"t{i}" for i in range(12)]), [], [f"t{i}" for i in range(12)]
        for _ in range(80):
            agent, task = str(rng.choice(["A", "B"])), str(rng.choice(tasks))
            if Asked(agent, task) in ledger.answers:
                continue
            what = str(rng.choice(["ask", "tell", "tell", "release"])) if Asked(agent, task) in ledger.pending else "ask"
            told = dict(passed=[True, False, None][rng.integers(3)]) if what == "tell" else {}
            ledger.note(dict(do=what, agent=agent, task=task, **told))
            now = differences(ledger, "A", "B")[0]
            assert now[: len(seen)] == seen
            seen = now
        common += len(seen)
    assert common > 15


def test_equal_agents_are_rarely_told_apart_when_one_fills_in_what_the_other_has_run():
    false, tasks = 0, 300
    for pair in range(200):
        rng = np.random.default_rng(pair)
        chance = 1 / (1 + np.exp(rng.normal(0, 3, tasks)))
        ledger = Ledger(["A", "B"], [f"t{i}" for i in range(tasks)])
        for agent, order in {"A": range(tasks), "B": rng.permutation(tasks)}.items():
            for j in order:
                ledger.note(dict(do="tell", agent=agent, task=f"t{j}", passed=bool(rng.random() < chance[j])))
        false += rank_error([differences(ledger, "A", "B")[1]]) <= 0.05
    assert false <= 17  # 5 % of 200, and two standard errors and a half; in the order of the first runs it was 7 to 10 %


def test_the_chance_of_deciding_knows_what_the_budget_still_pays_for(snapshot):
    verified = session_prior(snapshot, benchmark="swebench_verified")
    rich, poor = (AdaptiveSession(verified, agents=["A", "B"], criterion="contrast", stop=stop) for stop in ({}, dict(runs=10)))
    assert rich.chance("A", "B") > 0.3
    assert poor.chance("A", "B") == 0  # five tasks are not the twelve that it takes


def test_a_session_that_met_a_bad_line_stays_closed_and_skips_nothing(session):
    other = AdaptiveSession.resume(session.path)
    good = dict(do="tell", agent="A", task=next(iter(session.ledger.tasks)), run=1, passed=True)
    with (journal := Journal(session.path / "journal.jsonl")).held():
        journal.add([good | dict(task="nowhere"), good])
    for _ in range(2):
        with pytest.raises(SessionError, match="no task 'nowhere'"):
            other.ask()


def test_a_run_under_way_is_foreseen_by_what_is_believed_of_its_own_agent(snapshot, monkeypatch):
    session = AdaptiveSession(session_prior(snapshot, benchmark="gso"), agents=["A", "B"], criterion="contrast")
    tasks, asked = list(session.ledger.tasks), []
    for task in tasks[:20]:
        session.tell(task, True, agent="A")
        session.tell(task, False, agent="B")
    chances = sessions.draw_chances

    def watched(prior, passed, ran, samples, rng):
        asked.append(int(passed.sum()))
        return chances(prior, passed, ran, samples, rng)

    monkeypatch.setattr(sessions, "draw_chances", watched)
    next_runs(session.plan, session.ledger, "A", 1)
    assert asked == []  # nothing is under way, so nothing is foreseen
    session.ask(agent="B")
    asked.clear()
    next_runs(session.plan, session.ledger, "A", 2)
    assert asked == [0]  # B's run, by B's results, which are no pass


def test_what_is_put_back_must_be_there(session):
    session.ask(agent="A")
    with pytest.raises(SessionError, match="no task 'gso'"):
        session.release("gso")
    with pytest.raises(SessionError, match="no agent 'C'"):
        session.release(agent="C")
    assert session.release(agent="A") == 1


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (dict(benchmark="nonsense"), "a prior has its tasks already"),
        (dict(tasks=["x"]), "a prior has its tasks already"),
        (dict(balance="grup"), "did you mean 'group'"),
        (dict(stop=0.1), "needs a kind and where it ends"),
        (dict(stop=dict(score="a")), "must be at a number"),
        (dict(stop=dict(score=5)), "0.05 is five points"),
    ],
)
def test_rules_that_cannot_be_are_refused_before_anything_is_written(prior, tmp_path, rules, says):
    with pytest.raises(AgentirtError, match=says):
        AdaptiveSession(prior, tmp_path / "s", agents=["A"], **rules)
    assert not (tmp_path / "s").exists()


def test_evidence_is_worth_no_more_than_it_costs_to_equal_agents():
    rng = np.random.default_rng(0)
    gap = rng.integers(0, 2, (20_000, 30)) - rng.integers(0, 2, (20_000, 30))
    last = np.exp(log_evidence(gap)[:, -1])
    assert abs(last.mean() - 1) < 4 * last.std() / len(last) ** 0.5
    assert (log_evidence(gap).max(1) >= np.log(20)).mean() <= 0.05


# --- the command line ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory, snapshot):
    "A folder with a fit."
    home = tmp_path_factory.mktemp("cli")
    save_fit(snapshot, home / "f.nc")
    return home


def test_a_harness_drives_a_session_by_commands_and_exit_codes(folder, tmp_path):
    fit = str(folder / "f.nc")
    new = ("session", "new", "night", fit, "--agent", "mine", "--benchmark", "gso", "--stop", "runs=3", "--json")
    done = agentirt(*new, cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["tasks"] == 102, done.stderr
    for answer in ("pass", "fail", "pass"):
        asked = inside("session", "next", "night", "--worker", "w", cwd=tmp_path)
        assert asked.returncode == 0 and asked.stdout.count("\n") == 1
        assert inside("session", "next", "night", "--worker", "w", cwd=tmp_path).stdout == asked.stdout
        assert inside("session", "tell", "night", asked.stdout.strip(), answer, "--cost", 2, cwd=tmp_path).returncode == 0
    over = inside("session", "next", "night", "--json", cwd=tmp_path)
    assert (over.returncode, json.loads(over.stdout)) == (5, {"runs": [], "stopped": "3 runs are told"})
    shown = json.loads(inside("session", "show", "night", "--json", "--out", "o.nc", cwd=tmp_path).stdout)
    (mine,) = shown["agents"]
    assert mine["runs"] == 3 and mine["cost"] == 6 and mine["score_lower"] <= mine["score"] <= mine["score_upper"]
    assert open_outcomes(tmp_path / "o.nc").successes.sum() == 2
    task = asked.stdout.strip()
    refused(inside("session", "tell", "night", task, "fail", cwd=tmp_path), "passed, and now .* failed; with --replace")
    refused(inside("session", "tell", "night", "no such", "fail", cwd=tmp_path), "has no task 'no such'")
    refused(inside("session", "tell", "night", task, cwd=tmp_path), "Say how .* went")
    before = content(tmp_path)
    refused(inside(*new, cwd=tmp_path), "is there already")
    for out in ("night/o.nc", "night"):
        assert inside("session", "show", "night", "--out", out, "--force", cwd=tmp_path).returncode == 2
    assert content(tmp_path) == before


@pytest.fixture
def at_hand(monkeypatch, snapshot):
    "The fit is there without being read from a file."
    monkeypatch.setattr("agentirt_nb.app.cli._read_fit", lambda source: snapshot)


def test_many_answers_come_from_a_table_and_the_first_that_is_wrong_is_named(folder, tmp_path, at_hand):
    pd.DataFrame(dict(agent=["A", "B"], llm=["Claude Opus 4.5", ""])).to_csv(tmp_path / "who.csv", index=False)
    new = ("session", "new", "s", folder / "f.nc", "--agents", "who.csv", "--benchmark", "gso", "--criterion", "contrast")
    assert inside(*new, "--stop", "rank=0.05", cwd=tmp_path).returncode == 0
    asked = [line.split("\t") for line in inside("session", "next", "s", "--count", 4, cwd=tmp_path).stdout.splitlines()]
    assert len(asked) == 4 and {agent for _, agent in asked} == {"A", "B"}
    table = pd.DataFrame(asked, columns=["task", "agent"]).assign(answer="pass")
    table.to_csv(tmp_path / "told.csv", index=False)
    assert inside("session", "tell", "s", "--from", "told.csv", cwd=tmp_path).returncode == 0
    table.assign(answer=["pass", "pass", "fail", "pass"]).to_csv(tmp_path / "told.csv", index=False)
    refused(inside("session", "tell", "s", "--from", "told.csv", cwd=tmp_path), r"\(2 answers before it kept\)")
    shown = json.loads(inside("session", "show", "s", "--json", cwd=tmp_path).stdout)
    assert shown["contrast"]["decided"] == "no" and shown["under_way"] == []
    refused(inside("session", "new", "t", folder / "f.nc", "--agent", "A", "--stop", "rank", cwd=tmp_path), "no KIND=NUMBER")
    refused(
        inside("session", "new", "t", folder / "f.nc", "--agent", "A", "--stop", "scor=1", cwd=tmp_path), "did you mean 'score'"
    )
    assert not (tmp_path / "t").exists()


def test_choose_prints_a_list_that_a_harness_can_read(folder, tmp_path, at_hand, prior):
    fit, costs = folder / "f.nc", tmp_path / "costs.csv"
    chosen = ("choose", fit, "--benchmark", "gso", "--seed", 1, "--count", 5)
    names, tasks = json.loads(inside(*chosen, "--json", cwd=tmp_path).stdout)["tasks"], prior.task.values
    assert len(set(names)) == 5 and set(names) <= set(tasks)
    pd.DataFrame(dict(task=tasks, cost=np.where(np.isin(tasks, names), 1000, 1))).to_csv(costs, index=False)
    cheap = inside(*chosen, "--costs", costs, "--out", "list.csv", cwd=tmp_path)
    assert not set(cheap.stdout.splitlines()) & set(names)
    assert pd.read_csv(tmp_path / "list.csv").task.tolist() == cheap.stdout.splitlines()
    pd.DataFrame(dict(task=names)).to_csv(tmp_path / "not.csv", index=False)
    others = inside(*chosen, "--without", "not.csv", cwd=tmp_path).stdout.splitlines()
    assert len(others) == 5 and not set(others) & set(names)
    before = content(tmp_path)
    said = inside(*chosen, "--llm", "Claude Opsu 4", cwd=tmp_path).stderr
    assert "no agent of the fit has the llm 'Claude Opsu 4'" in said and "did you mean 'Claude Opus 4" in said
    assert "no agent of the fit" not in inside(*chosen, "--llm", "Claude Opus 4", cwd=tmp_path).stderr
    refused(inside(*chosen, "--costs", costs, "--out", costs, "--force", cwd=tmp_path), "which is read for it")
    assert content(tmp_path) == before


def test_a_session_that_goes_on_does_without_the_library_that_fits(prior, tmp_path):
    AdaptiveSession(prior, tmp_path / "night", agents="A")
    code = (
        "import sys; from agentirt_nb.app.cli import main; main(sys.argv[1:]); print(sorted({'jax', 'numpyro'} & {*sys.modules}))"
    )
    for command in (["next", "night"], ["show", "night"]):
        line = [sys.executable, "-c", code, "session", *command]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_warnings_are_not_lost_in_a_session(prior):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AdaptiveSession(prior).ask()
