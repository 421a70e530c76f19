"""The language model: parity with transformers, untrusted checkpoints, and error rates of the step test.

tests/data/tiny_neox was made by tools/make_tiny_neox.py with torch and transformers: a random GPT-NeoX of 2 layers and width 32,
and the logits that transformers computes from it with parallel and with sequential residuals.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from agentirt_nb.quanta.language_model import (
    Shape,
    curve_kind,
    load_pythia,
    new_model,
    next_logits,
    standard_library,
    token_losses,
    train_model,
)

TINY = Path(__file__).parent / "data" / "tiny_neox"
st = pytest.importorskip("safetensors.numpy", reason="the extra pythia is not installed")
pytest.importorskip("transformers", reason="the extra pythia is not installed")


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(TINY, tmp_path / "tiny", ignore=shutil.ignore_patterns("*.st")))


def rewrite(folder, **changes):
    "Change config.json of a copy."
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("residual", ["parallel", "sequential"])
def test_logits_equal_those_of_transformers(folder, residual):
    rewrite(folder, use_parallel_residual=residual == "parallel")
    model, reference = load_pythia(folder), st.load_file(TINY / "reference.st")
    assert model.shape.parallel == (residual == "parallel")
    found = next_logits(model.params, reference["tokens"], model.shape)
    np.testing.assert_allclose(found, reference[residual], atol=1e-4)
    assert np.abs(reference["parallel"] - reference["sequential"]).max() > 0.1  # the test can tell them apart


def test_sharded_checkpoint(folder):
    arrays = st.load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(arrays)
    st.save_file({name: arrays[name] for name in names[:9]}, folder / "model-00001-of-00002.safetensors")
    st.save_file({name: arrays[name] for name in names[9:]}, folder / "model-00002-of-00002.safetensors")
    whole, parts = load_pythia(TINY), load_pythia(folder)
    assert all((whole.params[name] == parts.params[name]).all() for name in whole.params)


def test_refused_checkpoints(folder):
    weights = folder / "model.safetensors"
    arrays, bytes_ = st.load_file(weights), weights.read_bytes()

    def refused(words, **changes):
        with pytest.raises(ValueError, match=words):
            load_pythia(folder, **changes)

    refused("over memory", memory=1e-6)
    st.save_file(arrays | {"embed_out.weight": arrays["embed_out.weight"][:5]}, weights)
    refused(r"embed_out.weight in model.safetensors has the shape \(5, 32\)")
    st.save_file({name: values for name, values in arrays.items() if name != "embed_out.weight"}, weights)
    refused("lacks 1 arrays, the first is embed_out.weight")
    st.save_file(arrays | {"embed_out.weight": arrays["embed_out.weight"] * np.nan}, weights)
    refused("not finite")
    weights.write_bytes(bytes_[:5000])
    refused("damaged")
    weights.rename(folder / "pytorch_model.bin")
    refused("no .safetensors file")
    rewrite(folder, hidden_act="relu")
    refused("variant")
    rewrite(folder, model_type="gpt2")
    refused("'gpt2' model|not a model's configuration")
    (folder / "config.json").write_text("{")
    refused("config.json")
    (folder / "config.json").unlink()
    refused("no config.json")


def test_a_name_is_not_fetched_unless_asked():
    with pytest.raises(ValueError, match="give a folder, or download=True"):
        load_pythia("nobody/no-such-model")


def test_no_token_sees_the_future_and_bad_tokens_are_refused():
    shape = Shape(vocabulary=20, width=16, layers=2, heads=2, hidden=32, context=12, rotary=0.5)
    model = new_model(shape, seed=0)
    tokens = np.arange(12) % 20
    changed = tokens.copy()
    changed[8] = 19
    a, b = (np.asarray(next_logits(model.params, t, shape)) for t in (tokens, changed))
    np.testing.assert_allclose(a[:8], b[:8], atol=1e-6)
    assert abs(a[8:] - b[8:]).max() > 1e-4
    rows = xr.DataArray([tokens], dims=("document", "position"))
    for bad, words in ((rows + 15, "from 0 to 19"), (rows[:, :1], "2 to 13"), (rows * 1.0, "whole numbers")):
        with pytest.raises(ValueError, match=words):
            token_losses(model, bad, progress=False)
    with pytest.raises(ValueError, match="odd number"):
        new_model(shape._replace(rotary=0.4), seed=0)


def test_training_faults(tmp_path):
    shape = Shape(vocabulary=20, width=16, layers=1, heads=2, hidden=32, context=12, rotary=0.5)
    corpus, test = np.arange(400) % 20, xr.DataArray([np.arange(10)], dims=("document", "position"))
    options = {"steps": 30, "batch": 4, "window": 12, "evaluations": 2, "seed": 0, "progress": False}
    _, curves = train_model(corpus, shape, test, **options | {"steps": 200})
    assert float(curves.isel(step=-1).mean()) < 0.5  # a sequence that repeats is learned
    with pytest.raises(ValueError, match="window=12"):
        train_model(corpus[:10], shape, test, **options)
    file = tmp_path / "run.npz"
    file.write_bytes(b"PK broken")
    with pytest.raises(ValueError, match="no checkpoint of train_model, or is damaged"):
        train_model(corpus, shape, test, checkpoint=file, **options)


def test_standard_library_is_bounded_and_repeatable():
    one, two = standard_library(most=100_000), standard_library(most=100_000)
    assert one.identical(two) and sum(len(t.encode()) for t in one.values) < 120_000
    assert len(one.attrs["content_hash"]) == 16


def curves(kind, size, rng, noise):
    "Curves over 16 points, by formulae other than those that are fitted: logistic in a power, straight, level."
    x = np.linspace(0, 1, 16)
    made = {
        "constant": np.zeros((size, 16)),
        "gradual": 1 - x ** rng.uniform(0.7, 1.5, (size, 1)),
        "step": x < rng.uniform(0.2, 0.8, (size, 1)),
    }[kind]
    return rng.uniform(1, 4, (size, 1)) * made + rng.uniform(0, 2, (size, 1)) + noise * rng.standard_normal((size, 16))


@pytest.mark.parametrize("noise", [0.05, 0.15, 0.3])
def test_curve_kind_error_rates(noise):
    rng = np.random.default_rng(1)
    for kind in ("constant", "gradual", "step"):
        made = xr.DataArray(curves(kind, 400, rng, noise), dims=("token", "step"), coords={"step": np.geomspace(10, 1000, 16)})
        assert (curve_kind(made, replicates=5).called == kind).mean() > (0.85 if noise < 0.3 else 0.75)


def test_curve_kind_interval_is_wider_where_tokens_of_a_document_agree():
    rng = np.random.default_rng(0)
    rows = np.concatenate([curves(("gradual", "step")[i % 2], 20, rng, 0.05) for i in range(20)])
    coords = {"step": np.geomspace(10, 1000, 16), "document": ("token", np.repeat(np.arange(20), 20))}
    made = xr.DataArray(rows, dims=("token", "step"), coords=coords)
    wide, narrow = (curve_kind(m, replicates=300, seed=0).sel(kind="step") for m in (made, made.drop_vars("document")))
    assert float(wide.upper - wide.lower) > 2 * float(narrow.upper - narrow.lower)
    assert float(wide.lower) < 0.5 < float(wide.upper)


def test_curve_kind_refuses(recwarn):
    made = xr.DataArray(np.ones((3, 9)), dims=("token", "step"), coords={"step": np.arange(1, 10)})
    made = made.assign_coords(token=np.arange(3))
    with pytest.raises(ValueError, match="token 1 is not finite"):
        curve_kind(made.where(made.token != 1))
    with pytest.raises(ValueError, match="at least 8"):
        curve_kind(made[:, :7])
    with pytest.raises(ValueError, match="positive"):
        curve_kind(made.assign_coords(step=np.arange(9)))
    assert set(curve_kind(made, replicates=5).called.values) == {"constant"} and not recwarn
