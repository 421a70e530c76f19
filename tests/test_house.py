"""The house: no floor imports a higher one, no private name crosses a module, no name of the face is that of a module;
intervals and errors are made in one way."""

import ast
import re
from pathlib import Path

import pytest

from agentirt_nb import _HOMES

PACKAGE = Path(__file__).resolve().parent.parent / "agentirt_nb"
FLOORS = ["", "data", "irt", "quanta", "views", "app"]  # from the ground up; a module belongs to the folder it lies in
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith("_")]
DOTTED = {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES} | set(FLOORS)
BARE = {"ValueError", "TypeError", "KeyError", "RuntimeError"}
INNER_ERRORS = {  # function -> why it raises no error of the package
    "data.texts._diff": "`task_texts` and `static_features` say it of the task",
    "data.embeddings._pickled_text": "`_archive` says it of the file",
    "data.embeddings._archive": "it says itself of the file what it caught",
}
QUANTILES = {  # module -> why it asks for a quantile that is no end of an interval
    "irt.inference": "how narrow a population of tasks may be, for the coordinates of the sampler",
    "irt.scoring": "where the grid of abilities ends",
    "views.response_curves": "where an axis begins, and which tasks are shown",
    "views.world_charts": "the picture is one of quantiles",
    "views.frontier_explorer": "who is among the ablest third",
    "irt.soundness": "a median of days, of which some may be beyond all calendars",
    "quanta.failure": "who is among the ablest",
    "quanta.forecasts": "a median that may be infinite",
}


def dotted(path: Path) -> str:
    "A module's name without the package's."
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def used(tree: ast.Module, inside: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    "Module (dotted, without the package's name) and name of everything of the package that code imports, or takes after a dot."
    found: set[tuple[str, str]] = set()
    bound: dict[str, str] = {}  # name in the code -> the module that it stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first, *rest = alias.name.split(".")
                if first == "agentirt_nb":
                    found.add((".".join(rest), ""))
                    bound[alias.asname or first] = ".".join(rest) if alias.asname else ""
        elif isinstance(node, ast.ImportFrom):
            base = list(inside[: len(inside) - node.level + 1]) if node.level else []
            parts = [*base, *filter(None, (node.module or "").split("."))]
            if not node.level and parts.pop(0) != "agentirt_nb":
                continue
            for alias in node.names:
                whole = ".".join([*parts, alias.name])
                found.add((whole, "") if whole in DOTTED else (".".join(parts), alias.name))
                if whole in DOTTED:
                    bound[alias.asname or alias.name] = whole
    for node in ast.walk(tree):
        chain, part = [], node
        while isinstance(part, ast.Attribute):
            chain, part = [part.attr, *chain], part.value
        if chain and isinstance(part, ast.Name) and part.id in bound:
            module = bound[part.id]
            while chain and (deeper := ".".join(filter(None, [module, chain[0]]))) in DOTTED:
                module, chain = deeper, chain[1:]
            found |= {(module, chain[0])} if chain else set()
    return {(module or _HOMES.get(name, ""), name) for module, name in found}  # a verb is where it is made


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def floor(module: str) -> int:
    return FLOORS.index(first) if (first := module.split(".")[0]) in FLOORS else 0


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_floor_imports_a_higher_one_and_no_private_name_crosses(path):
    own = floor(dotted(path))
    for module, name in used(parsed(path), path.relative_to(PACKAGE).parent.parts):
        assert floor(module) <= own, f"{path.name} imports {module}.{name} from a higher floor"
        assert not re.match(r"_[a-zA-Z]", name), f"{path.name} takes the private name {module}.{name}"


def test_the_test_above_sees_imports():
    seen = {module for path in MODULES for module, _ in used(parsed(path), path.relative_to(PACKAGE).parent.parts)}
    assert {"settings", "irt.fits", "irt.fit_header", "data.outcomes"} <= seen


@pytest.mark.parametrize(
    "code, taken",
    [
        ("from agentirt_nb import fit", ("irt.inference", "fit")),
        ("import agentirt_nb as irt\nirt.fit", ("irt.inference", "fit")),
        ("import agentirt_nb.views.theme", ("views.theme", "")),
        ("import agentirt_nb.irt.fits\nagentirt_nb.irt.fits._LACKS", ("irt.fits", "_LACKS")),
        ("from agentirt_nb.irt import fits as f\nf._OF_ALL", ("irt.fits", "_OF_ALL")),
        ("from ..views import theme\ntheme._x", ("views.theme", "_x")),
        ("from .fits import draws", ("irt.fits", "draws")),
    ],
)
def test_every_way_to_take_a_name_is_seen(code, taken):
    assert taken in used(ast.parse(code), ("irt",))


def test_no_name_of_the_face_equals_a_module():
    import agentirt_nb

    assert not {path.stem for path in MODULES} & set(dir(agentirt_nb))


def bare_errors(path: Path) -> list[str]:
    "Functions (dotted) that raise an error of Python's in place of one of the package."
    found = []
    for function in ast.walk(parsed(path)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            raised = node.exc if isinstance(node, ast.Raise) else None
            named = raised.func if isinstance(raised, ast.Call) else raised
            if isinstance(named, ast.Name) and named.id in BARE:
                found.append(f"{dotted(path)}.{function.name}")
    return found


def test_what_a_person_may_meet_is_an_error_of_the_package():
    found = {name for path in MODULES for name in bare_errors(path)}
    assert found == set(INNER_ERRORS)


def test_intervals_are_made_in_one_place():
    asks = {dotted(path) for path in MODULES if re.search(r"\b(nan)?quantile\(", path.read_text(encoding="utf-8"))}
    assert asks - {"irt.fits"} <= set(QUANTILES), "take both ends from `fits.tails` or `resampling.known_ends`"
