"The house: no floor imports a higher one, no private name crosses a module, no name of the face equals a module's."

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "agentirt_nb"
FLOORS = ["", "data", "irt", "quanta", "views", "app"]  # from the ground up; a module belongs to the folder it lies in
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith("_")]


def imports(path: Path) -> list[tuple[str, str]]:
    "Module (dotted, without the package's name) and name of everything that a module imports from the package."
    found, inside = [], path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = list(inside[: len(inside) - node.level + 1]) if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.level else (node.module or "").split(".")
            if not node.level and module[0] != "agentirt_nb":
                continue
            module = [part for part in (module if node.level else module[1:]) if part]
            found += [(".".join(module), alias.name) for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_floor_imports_a_higher_one_and_no_private_name_crosses(path):
    floor = lambda module: FLOORS.index(module if module in FLOORS else "")
    own = floor(path.relative_to(PACKAGE).parent.as_posix().removeprefix("."))
    for module, name in imports(path):
        assert floor(module.split(".")[0]) <= own, f"{path.name} imports {module}.{name} from a higher floor"
        assert not re.match(r"_[a-z]", name), f"{path.name} imports the private name {module}.{name}"


def test_the_test_above_sees_imports():
    seen = {module for path in MODULES for module, _ in imports(path)}
    assert {"settings", "irt.fits", "data.outcomes"} <= seen


def test_no_name_of_the_face_equals_a_module():
    import agentirt_nb

    assert not {path.stem for path in MODULES} & set(dir(agentirt_nb))
