"""Quanta discovery: faults, parity with scikit-learn and plain formulae, and memory at 10,000 samples × 100,000 parameters."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score

from agentirt_nb.quanta.discovery import (
    cluster_quanta,
    copyable,
    gaussian_quanta,
    rank_frequency,
    sample_gradients,
    sample_losses,
    similarity,
)

QUIET = {"progress": False}


def loss(params, sample):
    "Squared error of a small network."
    hidden = jnp.tanh(sample["x"] @ params["layers"][0]["weight"])
    return (hidden @ params["layers"][1]["weight"] - sample["y"]) ** 2


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    params = {"layers": [{"weight": rng.standard_normal((6, 30)).astype("f4")}, {"weight": rng.standard_normal(30).astype("f4")}]}
    return params, {"x": rng.standard_normal((50, 6)).astype("f4"), "y": rng.standard_normal(50).astype("f4")}


def test_gradients_equal_one_by_one(problem):
    params, samples = problem
    found = sample_gradients(loss, params, samples, block=16, **QUIET)
    for i in (0, 15, 16, 49):  # first and last of blocks
        one = jax.tree.leaves(jax.grad(loss)(params, {name: values[i] for name, values in samples.items()}))
        one = np.concatenate([np.ravel(g) for g in one])
        np.testing.assert_allclose(found.values[i], one / np.linalg.norm(one), atol=2e-6)
    assert found.attrs["groups"] == ["layers/0/weight", "layers/1/weight"]
    losses = sample_losses(loss, params, samples, block=7, **QUIET)
    single = [float(loss(params, {name: values[i] for name, values in samples.items()})) for i in range(50)]
    np.testing.assert_allclose(losses, single, rtol=1e-4, atol=1e-6)


def test_where_dtype_and_projection(problem):
    params, samples = problem
    first = sample_gradients(loss, params, samples, where=lambda path: path.startswith("layers/0"), **QUIET)
    assert first.sizes["parameter"] == 180 and set(first.group.values) == {"layers/0/weight"}
    whole = sample_gradients(loss, params, samples, **QUIET)
    half = sample_gradients(loss, params, samples, dtype="float16", **QUIET)
    assert half.dtype == np.float16
    exact = similarity(whole, **QUIET)
    assert abs(similarity(half, **QUIET) - exact).max() < 2e-3 or abs(np.cos(np.pi * exact)).max() > 0.999
    short = [sample_gradients(loss, params, samples, project=100, seed=seed, **QUIET) for seed in (0, 0, 1)]
    assert short[0].equals(short[1]) and not short[0].equals(short[2])
    cosine = short[0].values @ short[0].values.T - whole.values @ whole.values.T
    error = np.sqrt(np.mean(cosine[np.triu_indices(50, 1)] ** 2))
    assert error == pytest.approx(short[0].attrs["cosine_error"], rel=1e-3) and error < 2 * 100**-0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"memory": 1e-6}, "float16"),
        ({"memory": 1e-4}, "block=.* fits|no block fits"),
        ({"where": lambda path: False}, "chooses none"),
        ({"dtype": "int8"}, "float32"),
        ({"block": 0}, "at least 1"),
    ],
)
def test_refused_options(problem, change, words):
    with pytest.raises(ValueError, match=words):
        sample_gradients(loss, *problem, **QUIET, **change)


def test_refused_samples(problem):
    params, samples = problem
    bad = samples | {"x": samples["x"].copy()}
    bad["x"][33, 2] = np.nan
    with pytest.raises(ValueError, match=r"sample 33 is not finite in 'layers/0/weight'"):
        sample_gradients(loss, params, bad, block=8, **QUIET)
    with pytest.raises(ValueError, match="sample 0 is zero"):
        sample_gradients(lambda p, s: 0 * loss(p, s), params, samples, **QUIET)
    with pytest.raises(ValueError, match="y has 3 rows"):
        sample_gradients(loss, params, samples | {"y": samples["y"][:3]}, **QUIET)
    with pytest.raises(ValueError, match="no samples"):
        sample_losses(loss, params, {}, **QUIET)
    with pytest.raises(ValueError, match="'sample'"):
        sample_losses(loss, params, xr.Dataset({"x": ("row", [1.0])}), **QUIET)


@pytest.mark.parametrize("problem_text", ["RESOURCE_EXHAUSTED: Out of memory allocating 5 bytes.", None])
def test_memory_that_runs_out_is_one_sentence(problem, monkeypatch, problem_text):
    def fail(*_):
        raise MemoryError if problem_text is None else jax.errors.JaxRuntimeError(problem_text)

    monkeypatch.setattr(jax, "jit", lambda _: fail)
    with pytest.raises(ValueError, match=r"memory ran out at block=40; block=10"):
        sample_gradients(loss, *problem, block=40, **QUIET)


def test_similarity_against_the_formula():
    rows = np.random.default_rng(0).standard_normal((40, 300))
    found = similarity(xr.DataArray(rows, dims=("sample", "parameter")), block=64, **QUIET).values
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    angle = np.arccos(np.clip(unit @ unit.T, -1, 1))
    off = ~np.eye(40, dtype=bool)
    np.testing.assert_allclose(found[off], (1 - angle / np.pi)[off], atol=1e-5)
    assert (np.diagonal(found) == 1).all() and (found == found.T).all()
    rows[7] = 0
    with pytest.raises(ValueError, match="sample 7 is zero"):
        similarity(xr.DataArray(rows, dims=("sample", "parameter")), **QUIET)
    rows[7] = np.nan
    with pytest.raises(ValueError, match="sample 7 is not finite"):
        similarity(xr.DataArray(rows, dims=("sample", "parameter")), **QUIET)


def test_clusters_as_scikit_learn_and_as_made():
    toy = gaussian_quanta(1.2, dim=200, noise=0.3, largest=80, seed=1)
    toy = toy.isel(sample=toy.quantum.values <= 8)
    similar = similarity(toy.gradient, **QUIET)
    for method in ("spectral", "average"):
        found = cluster_quanta(similar, [4, 8], seed=0, method=method, **QUIET)
        assert adjusted_rand_score(toy.quantum, found.sel(n_clusters=8)) > 0.95
        assert cluster_quanta(similar, 8, seed=0, method=method, **QUIET).equals(found.sel(n_clusters=8))
        assert (np.diff(rank_frequency(found).values) <= 0).all()
    reference = SpectralClustering(8, affinity="precomputed", n_init=30, random_state=0).fit_predict(similar.values)
    assert adjusted_rand_score(reference, cluster_quanta(similar, 8, seed=0, **QUIET)) > 0.99


@pytest.mark.parametrize(
    ("change", "words"), [({"n_clusters": 1}, "at least 2"), ({"n_clusters": 20}, "more than 20"), ({"method": "x"}, "'average'")]
)
def test_refused_clusters(change, words):
    similar = xr.DataArray(np.eye(20), dims=("sample", "sample_"))
    with pytest.raises(ValueError, match=words):
        cluster_quanta(similar, **{"n_clusters": 3} | change)
    with pytest.raises(ValueError, match="not finite"):
        cluster_quanta(similar.where(similar != 0), 3)


def test_copyable_against_a_plain_loop():
    tokens = np.random.default_rng(0).integers(0, 3, (20, 30))
    expected = np.zeros(tokens.shape, bool)
    for d, row in enumerate(tokens.tolist()):
        for t in range(2, 30):
            expected[d, t] = row[t - 2 : t + 1] in [row[u - 2 : u + 1] for u in range(2, t)]
    np.testing.assert_array_equal(copyable(xr.DataArray(tokens, dims=("document", "position"))), expected)


SCRIPT = """
import resource
import jax, jax.numpy as jnp, numpy as np
from sklearn.metrics import adjusted_rand_score
from agentirt_nb.quanta.discovery import cluster_quanta, sample_gradients, similarity
rng, n, d, h = np.random.default_rng(0), 10_000, 89, 1000
kind = rng.integers(0, 50, n)
x = (rng.standard_normal((50, d))[kind] + .5 * rng.standard_normal((n, d))).astype("f4")
normal = lambda *size: jnp.array(rng.standard_normal(size) / size[0]**.5, jnp.float32)
params = dict(a=normal(d, h), b=normal(h, 11))
loss = lambda p, s: -jax.nn.log_softmax(jax.nn.relu(s["x"] @ p["a"]) @ p["b"])[s["y"]]
gradients = sample_gradients(loss, params, dict(x=x, y=kind % 11), dtype="float16", progress=False)
assert gradients.shape == (10_000, 100_000)
similar = similarity(gradients, progress=False)
del gradients
labels = cluster_quanta(similar, 50, seed=0, n_init=10, progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, adjusted_rand_score(kind, labels))
"""


@pytest.mark.slow
def test_ten_thousand_by_a_hundred_thousand_within_four_gigabytes():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    gigabytes, index = map(float, done.stdout.split())
    assert gigabytes < 4 and index > 0.95
