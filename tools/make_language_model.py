"""Train five small language models and keep what the language model notebook shows: agentirt_nb/shipped/language_model.nc.

Run by hand, about ten minutes on two cores:  python tools/make_language_model.py
"""

import re
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from tqdm import tqdm

from agentirt_nb.files import write_atomically
from agentirt_nb.quanta import language_model as lm
from agentirt_nb.quanta.discovery import cluster_quanta, copyable, sample_gradients, similarity

TARGET = Path(__file__).parents[1] / "agentirt_nb" / "shipped" / "language_model.nc"
SHAPES = [(32, 1), (48, 2), (64, 3), (96, 3), (128, 4)]  # width, layers
STEPS, BATCH, WINDOW, VOCABULARY = 1000, 16, 128, 1024
work = Path(sys.argv[1] if len(sys.argv) > 1 else ".")  # checkpoints


def windows(texts: xr.DataArray, tokenizer, each: int) -> xr.DataArray:
    "The first tokens of documents, `each` windows of WINDOW + 1 from every one."
    rows, names = [], []
    for name, text in zip(texts.document.values, texts.values):
        ids = tokenizer.encode(str(text)).ids
        for i in range(min(each, len(ids) // (WINDOW + 1))):
            rows.append(ids[i * (WINDOW + 1) : (i + 1) * (WINDOW + 1)])
            names.append(str(name))
    return xr.DataArray(np.array(rows), dims=("document", "position"), coords={"document": names})


texts = lm.standard_library(most=6_000_000)
held = np.arange(texts.sizes["document"]) % 12 == 5
tokenizer = lm.text_tokenizer(texts.values[~held], vocabulary=VOCABULARY)
corpus = np.concatenate([tokenizer.encode(str(t)).ids for t in texts.values[~held]])
test = windows(texts[held], tokenizer, 6)
print(f"{len(corpus):,} training tokens, {test.shape[0]} test windows of {held.sum()} files", flush=True)

scored = test[:: max(1, len(test) // 40)][:40]
curves, sizes, models = [], [], []
for width, layers in tqdm(SHAPES):
    shape = lm.Shape(VOCABULARY, width, layers, width // 16, 4 * width, WINDOW)
    done = work / f"lm-{width}.npz"
    model, losses = lm.train_model(
        corpus, shape, scored, steps=STEPS, batch=BATCH, window=WINDOW, seed=0, checkpoint=done, progress=False
    )
    curves.append(losses.values.reshape(len(losses), -1))
    sizes.append(lm.body_size(shape))
    print(width, layers, sizes[-1], curves[-1][-1].mean(), flush=True)

# quanta of the largest model
every = lm.token_losses(model, test, progress=False)
kept = (every.values < 0.1) & ~copyable(test).values[:, 1:]
at = np.argwhere(kept)
at = at[np.random.default_rng(0).permutation(len(at))[:1500]]
print("well predicted", (every.values < 0.1).mean(), "and not copied", kept.mean(), len(at), flush=True)
samples = {"tokens": test.values[at[:, 0]].astype("i4"), "position": at[:, 1].astype("i4")}
loss = lambda p, s: lm.sequence_losses(p, s["tokens"], shape)[s["position"]]
body = lambda name: "embed" not in name
gradients = sample_gradients(loss, model.params, samples, where=body, project=2000, block=32, memory=2, seed=0, progress=False)
print("cosine error", gradients.attrs["cosine_error"], flush=True)
kinds = {}
for name, signed, method in (("spectral", True, "spectral"), ("average", False, "average")):
    similar = similarity(gradients, signed=signed, progress=False)
    kinds[name] = cluster_quanta(similar, [30, 60, 100], seed=0, method=method, n_init=10, progress=False)

plain = lambda ids: re.sub(r"[^\x20-\x7e\n]", "?", tokenizer.decode([int(i) for i in ids]))
flat = scored.values[:, 1:].reshape(-1)
per = WINDOW
data = {
    "loss": (("size", "step", "token"), np.array(curves).astype("f2")),
    "text": ("token", np.array([plain([i]) for i in flat], dtype=object)),
    "copyable": ("token", copyable(scored).values[:, 1:].reshape(-1)),
    "context": ("sample", np.array([plain(test.values[d, max(0, p - 23) : p + 1]) for d, p in at], dtype=object)),
    "answer": ("sample", np.array([plain(test.values[d, p + 1 : p + 2]) for d, p in at], dtype=object)),
    "cluster": (("way", "n_clusters", "sample"), np.stack([k.values for k in kinds.values()]).astype("i2")),
}
coords = {
    "size": sizes,
    "step": losses.step.values,
    "document": ("token", np.repeat(scored.document.values.astype(object), per)),
    "window": ("token", np.repeat(np.arange(len(scored)), per)),
    "way": list(kinds),
    "n_clusters": [30, 60, 100],
    "file": ("sample", test.document.values[at[:, 0]].astype(object)),
}
attrs = texts.attrs | {
    "steps": STEPS, "batch": BATCH, "window": WINDOW, "vocabulary": VOCABULARY, "training_tokens": len(corpus),
    "shapes": str(SHAPES), "cosine_error": gradients.attrs["cosine_error"], "well_predicted_share": float((every < 0.1).mean()),
    "kept_share": float(kept.mean()), "made_by": "tools/make_language_model.py",
}  # fmt: skip
result = xr.Dataset(data, coords, attrs)
with write_atomically(TARGET) as new:
    result.to_netcdf(new, engine="h5netcdf", encoding={"loss": {"zlib": True, "complevel": 9, "shuffle": True}})
print(TARGET.stat().st_size)
