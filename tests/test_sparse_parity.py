"""Multitask sparse parity: an independent implementation, kills and damage, bad input, coverage of the learning-time slope."""

import subprocess
import sys
import textwrap
import time

import jax
import numpy as np
import pytest
import xarray as xr

from agentirt_nb.quanta import sparse_parity as sp
from agentirt_nb.quanta.theory import use_frequencies

SMALL = dict(steps=60, batch=64, evaluations=6, test_size=20, progress=False)


@pytest.fixture(scope="module")
def tasks():
    return sp.parity_tasks(n_tasks=6, n_bits=8, k=2, seed=3)


# ---------------------------------------------------------------- right


@pytest.mark.parametrize("n_bits", [5, 32, 33, 70])
def test_parity_of_packed_bits_is_that_of_the_bits(n_bits):
    tasks = sp.parity_tasks(n_tasks=8, n_bits=n_bits, k=3, seed=1)
    samples = sp.draw_samples(tasks, 500, seed=2)
    own = np.take_along_axis(samples.bits.values, tasks.bits.sel(subtask=samples.subtask).values, 1)
    assert (own.sum(1) % 2 == samples.parity.values).all()
    assert samples.sizes["bit"] == n_bits
    assert 0.4 < samples.bits.isel(bit=n_bits - 1).mean() < 0.6


def by_hand(params, x, parity, steps, rate):
    """Adam (Kingma and Ba 2015) on a plain perceptron with two outputs and one-hot codes among its inputs, in float64."""
    w1, b1, w2, b2 = (np.array(p, np.float64) for p in params)
    first = [np.zeros_like(p) for p in (w1, b1, w2, b2)]
    second = [np.zeros_like(p) for p in first]
    for t in range(steps):
        pre = x[t] @ w1 + b1
        hidden = np.maximum(pre, 0)
        logits = hidden @ w2 + b2
        prob = np.exp(logits - logits.max(1, keepdims=True))
        prob /= prob.sum(1, keepdims=True)
        d_logits = (prob - np.eye(2)[parity[t]]) / len(x[t])
        d_pre = (d_logits @ w2.T) * (pre > 0)
        gradient = [x[t].T @ d_pre, d_pre.sum(0), hidden.T @ d_logits, d_logits.sum(0)]
        for p, g, m, v in zip((w1, b1, w2, b2), gradient, first, second):
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            p -= rate * (m / (1 - 0.9 ** (t + 1))) / (np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8)
    return w1, b1, w2, b2


def test_training_is_that_of_a_plain_network(tasks):
    steps, batch, widths = 20, 32, (4, 7)
    asked = dict(widths=widths, seeds=[5], steps=steps, batch=batch, evaluations=1, test_size=5, progress=False)
    trained = sp.network(sp.train_parity(tasks, keep_weights=True, learning_rate=0.01, **asked), width=7)
    key = jax.random.fold_in(jax.random.key(5), 0)
    start = sp._initial(jax.random.fold_in(key, 2), 6, 8, widths)
    number = np.arange(steps * batch, dtype=np.uint32)
    subtask, words, parity = sp._samples(sp._packed(tasks), jax.random.fold_in(key, 0), number)
    x = np.concatenate([np.eye(6)[np.asarray(subtask)], np.asarray(sp._unpacked(words, 8))], 1).reshape(steps, batch, -1)
    first = np.concatenate([start["control"], start["bits"]])[:, 4:]
    begin = first, start["hidden"][4:], start["out"][4:], start["bias"][1]
    w1, b1, w2, b2 = by_hand(begin, x, np.asarray(parity).reshape(steps, batch), steps, 0.01)
    for found, expected in [("control", w1[:6]), ("bits", w1[6:]), ("hidden", b1), ("out", w2), ("bias", b2)]:
        np.testing.assert_allclose(trained[found], expected, atol=2e-4, err_msg=found)
    assert np.abs(trained["bits"] - first[6:]).max() > 0.01  # and it did move


def test_a_seed_gives_the_same_whatever_stands_beside_it(tasks):
    alone = sp.train_parity(tasks, widths=[5], seeds=[1], **SMALL)
    beside = sp.train_parity(tasks, widths=[5], seeds=[0, 1], **SMALL)
    np.testing.assert_allclose(alone.loss.sel(seed=1), beside.loss.sel(seed=1), atol=1e-5)
    assert not np.allclose(beside.loss.sel(seed=0), beside.loss.sel(seed=1), atol=1e-3)


def test_unlimited_data_and_data_without_end_agree(tasks):
    "A training set too large to be exhausted leaves the loss of endless data; a tiny one is learned by heart."
    how = dict(widths=[40], seeds=[0, 1], steps=800, batch=200, evaluations=5, test_size=200, progress=False)
    endless = sp.train_parity(tasks, **how).mean_loss.isel(step=-1).mean()
    large, tiny = sp.train_parity(tasks, data=[30, 2_000_000], **how).mean_loss.isel(step=-1).mean(["seed", "width"]).values[::-1]
    assert abs(float(endless) - large) < 0.05 < tiny - large


@pytest.mark.slow
def test_coverage_of_the_learning_time_exponent():
    rng, hits = np.random.default_rng(0), 0
    frequency = use_frequencies(60, 0.4).values
    for seed in range(100):
        slope, spread = rng.uniform(0.5, 1.2), rng.uniform(0.1, 0.5)
        time_ = np.exp(3 - slope * np.log(frequency) + spread * rng.standard_normal((2, 60)))
        end = np.quantile(time_, rng.uniform(0.3, 1))
        times = xr.DataArray(np.where(time_ < end, time_, np.nan), dims=["seed", "subtask"], attrs=dict(last_step=end))
        times = times.assign_coords(frequency=("subtask", frequency))
        found = sp.learning_time_exponent(times, draws=500, seed=seed).sel(parameter="exponent")
        hits += bool(found.lower < slope < found.upper)
    assert 83 <= hits <= 97, hits  # 90 of 100, give or take 2.3 standard errors


# ---------------------------------------------------------------- stopped, killed, damaged


def test_killed_training_goes_on_where_it_was(tasks, tmp_path):
    path = tmp_path / "run.npz"
    problem = "sp.parity_tasks(n_tasks=6, n_bits=8, k=2, seed=3)"
    call = f"sp.train_parity({problem}, widths=[5], steps=60, batch=64, evaluations=6, test_size=20, "
    code = textwrap.dedent(f"""
        import os, signal
        from agentirt_nb.quanta import sparse_parity as sp
        save, count = sp.save_checkpoint, []
        def save_and_die(*args):
            save(*args)
            count.append(1)
            if len(count) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        sp.save_checkpoint = save_and_die
        {call} progress=False, checkpoint={str(path)!r})
    """)
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    straight = sp.train_parity(tasks, widths=[5], **SMALL)
    begun = time.perf_counter()
    xr.testing.assert_identical(sp.train_parity(tasks, widths=[5], checkpoint=path, **SMALL), straight)
    with np.load(path) as file:
        assert len(file["losses"]) == straight.sizes["step"]
    assert time.perf_counter() - begun < 60 and [p.name for p in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "pickle"])
def test_damaged_checkpoint(tasks, tmp_path, damage):
    path = tmp_path / "run.npz"
    sp.train_parity(tasks, widths=[5], checkpoint=path, **SMALL)
    whole = path.read_bytes()
    if damage == "pickle":
        np.savez(path, asked=np.array([{"a": 1}], dtype=object))
    else:
        path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "text": b"hello"}[damage])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is no checkpoint of train_parity, or is damaged"):
        sp.train_parity(tasks, widths=[5], checkpoint=path, **SMALL)
    assert path.read_bytes() == before


def test_checkpoint_of_another_training(tasks, tmp_path):
    path = tmp_path / "run.npz"
    sp.train_parity(tasks, widths=[5], checkpoint=path, **SMALL)
    with pytest.raises(ValueError, match="differs in learning_rate; remove it"):
        sp.train_parity(tasks, widths=[5], checkpoint=path, learning_rate=0.01, **SMALL)
    with pytest.raises(ValueError, match="differs in alpha, bits; remove it"):
        sp.train_parity(sp.parity_tasks(n_tasks=6, n_bits=8, k=2, alpha=0.5, seed=4), widths=[5], checkpoint=path, **SMALL)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        sp.train_parity(tasks, widths=[5], checkpoint=tmp_path / "no" / "run.npz", **SMALL)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(n_bits=3, k=4), "k=4 is more than n_bits=3"),
        (dict(n_tasks=11, n_bits=5, k=2), "there are only 10 sets of 2 of 5 bits"),
        (dict(n_tasks=0), "n_tasks is 0, but must be a whole number of at least 1"),
        (dict(n_tasks=2.5), "n_tasks is 2.5"),
    ],
)
def test_problems_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        sp.parity_tasks(**options)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(widths=[]), r"widths is \[\]; give one or more"),
        (dict(widths=[5, 5]), "give one or more distinct"),
        (dict(widths=[0]), "widths is 0, but must be"),
        (dict(seeds=[-1]), "seeds is -1"),
        (dict(data=[0]), "data is 0"),
        (dict(steps=0), "steps is 0"),
        (dict(learning_rate=0), "learning_rate is 0, but must be above 0"),
        (dict(learning_rate=float("nan")), "learning_rate is nan"),
        (dict(steps=2**20, batch=2**12), "are more than the 2\\^32"),
        (dict(learning_rate=1e30), "The loss is not finite after step .* lower learning_rate"),
    ],
)
def test_training_that_cannot_be(tasks, options, message):
    with pytest.raises(ValueError, match=message):
        sp.train_parity(tasks, **(SMALL | dict(widths=[5]) | options))


def test_which_network(tasks):
    run = sp.train_parity(tasks, widths=[3, 5], seeds=[0, 1], **SMALL)
    with pytest.raises(ValueError, match="train with keep_weights=True"):
        sp.network(run, width=3, seed=0)
    run = sp.train_parity(tasks, widths=[3, 5], seeds=[0, 1], keep_weights=True, **SMALL)
    with pytest.raises(ValueError, match="Say which seed: one of 0, 1"):
        sp.network(run, width=3)
    with pytest.raises(ValueError, match="Say which width: one of 3, 5"):
        sp.network(run, width=4, seed=0)
    assert sp.network(run, width=5, seed=1)["bits"].shape == (8, 5)


def test_times_and_slopes_that_cannot_be(tasks):
    run = sp.train_parity(tasks, widths=[3], seeds=[0, 1], **SMALL)
    with pytest.raises(ValueError, match=r"threshold is 0\.7, but must lie between 0 and ln 2"):
        sp.learning_times(run, threshold=0.7)
    with pytest.raises(ValueError, match="Only 0 subtasks were learned"):
        sp.learning_time_exponent(sp.learning_times(run))
    curve = run.mean_loss.isel(width=0)
    with pytest.raises(ValueError, match="needs two seeds or more"):
        sp.seed_slope(curve.isel(seed=[0]), "step")
    with pytest.raises(ValueError, match="The curve of seed 0 has values of 0 or less"):
        sp.seed_slope(curve * 0, "step")
    with pytest.raises(ValueError, match="The curve of seed 1 has 2 points"):
        sp.seed_slope(curve.where((curve.seed == 0) | (curve.step > curve.step[-3])), "step")
