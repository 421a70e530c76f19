"""Code that CI does not run asks the package for what there is: names that it imports exist, and functions of the package are
called with arguments that they take. It is read, not run: cells of notebooks (slow ones and reproduction too), tests, tools,
benchmarks, and Python in Markdown."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import agentirt_nb

ROOT = Path(__file__).resolve().parent.parent
SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
SCOPE += (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
CELL = 10_000  # lines, more than any cell has
ANY = None  # of what may be anything


class Of(NamedTuple):
    "An object of a class of the package."

    kind: type


class Options(NamedTuple):
    "A dict of arguments, or things that hold some."

    names: list[str]
    held: list[str]  # arguments in dicts that it holds


class Passing(NamedTuple):
    "A function that passes its further arguments on to one of the package."

    own: set[str]
    to: Any


def inside(node: ast.AST) -> Iterator[ast.AST]:
    "What stands in the scope of a node: of scopes inside it only their heads, and nothing under `with pytest.raises`."
    for child in ast.iter_child_nodes(node):
        yield child
        on_purpose = isinstance(child, ast.With) and "pytest.raises" in ast.unparse(child.items[0])
        if not isinstance(child, SCOPE) and not on_purpose:
            yield from inside(child)


def is_ours(thing: Any) -> bool:
    "Whether a thing is of the package."
    home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    return (isinstance(thing, ModuleType) or callable(thing)) and str(home).split(".")[0] == "agentirt_nb"


def part_of(thing: Any, name: str) -> Any:
    "The attribute of a module, class or object of the package, which a module must have."
    if isinstance(thing, ModuleType):
        if not hasattr(thing, name) and hasattr(thing, "__path__") and find_spec(f"{thing.__name__}.{name}"):
            import_module(f"{thing.__name__}.{name}")
        return getattr(thing, name)
    fields = getattr(thing.kind, "__dataclass_fields__", ()) if isinstance(thing, Of) else ()
    if isinstance(thing, Of) and name not in fields and inspect.isfunction(found := vars(thing.kind).get(name)):
        return found.__get__(0)  # as of an object, which is given already
    return getattr(thing, name, ANY) if isinstance(thing, type) else ANY


def meant(node: ast.AST, known: dict[str, Any]) -> Any:
    "What of the package an expression stands for; ANY where it is unknown."
    if isinstance(node, ast.Name):
        return known.get(node.id, ANY)
    if isinstance(node, ast.Attribute):
        found = part_of(meant(node.value, known), node.attr)
        return found if is_ours(found) else ANY
    made = meant(node.func, known) if isinstance(node, ast.Call) else ANY
    return Of(made) if isinstance(made, type) else ANY


def imported(node: ast.AST) -> dict[str, Any]:
    "Names that a statement takes from the package; raises ImportError or AttributeError for one that is not there."
    if isinstance(node, ast.Import):
        ours = [alias for alias in node.names if alias.name.split(".")[0] == "agentirt_nb"]
        modules = [(alias.asname, import_module(alias.name)) for alias in ours]
        return {name or "agentirt_nb": module if name else agentirt_nb for name, module in modules}
    if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "agentirt_nb":
        module = import_module(str(node.module))
        return {alias.asname or alias.name: part_of(module, alias.name) for alias in node.names}
    return {}


def bound(scope: ast.AST) -> set[str]:
    "Names that a scope binds in another way than by import."
    nodes = [*inside(scope)]
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return names | {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}


def more_names(function: Any) -> set[str] | None:
    "Names that `**options` takes: words of its comment, and arguments of functions named there. None: whatever it may be."
    kinds = {p.kind: p.name for p in inspect.signature(function).parameters.values()}
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        return set()
    options = kinds[inspect.Parameter.VAR_KEYWORD]
    said = re.search(rf"^ +\*\*{options}\b.*?#(.*)", inspect.getsource(function), re.MULTILINE)
    others = re.findall(r"`(\w+)`", said[1] if said else "…")
    home = vars(import_module(function.__module__))
    functions = [home.get(name) or getattr(agentirt_nb, name, ANY) for name in others]
    if not said or "…" in said[1] or not all(map(is_ours, functions)):
        return None
    further = [more_names(other) for other in functions]
    names = {name for other in functions for name in inspect.signature(other).parameters} | set(re.findall(r"\w+", said[1]))
    return None if None in further else names.union(*further)


def refused(function: Any, call: ast.Call) -> str:
    "Why a function does not take the arguments of a call; empty where it does."
    args = [arg for arg in call.args if not isinstance(arg, ast.Starred)]
    names = {word.arg: None for word in call.keywords if word.arg}
    try:
        signature = inspect.signature(function)
    except ValueError:  # an error's class, say
        return ""
    unsaid = len(args) < len(call.args) or len(names) < len(call.keywords)  # *args or **options
    try:
        (signature.bind_partial if unsaid else signature.bind)(*args, **names)
    except TypeError as error:
        return str(error)
    free = names.keys() - signature.parameters.keys()
    taken = more_names(function) if free else set()
    return f"got an unexpected keyword argument {min(free - taken)!r}" if taken is not None and free - taken else ""


def kept(value: ast.AST, known: dict[str, Any]) -> Any:
    "What is to be known of a variable with this value: an object of the package, or arguments."
    dicts = [node for node in ast.walk(value) if isinstance(node, ast.Call) and ast.unparse(node.func) == "dict"]
    words = [[word.arg for word in node.keywords if word.arg] for node in dicts]
    if dicts[:1] == [value]:
        return Options(words[0], [])
    if isinstance(value, (ast.Dict, ast.List, ast.Tuple)):
        keys = value.keys if isinstance(value, ast.Dict) else []
        return Options([key.value for key in keys if isinstance(key, ast.Constant)], [word for some in words for word in some])
    return meant(value, known)


def named(node: ast.AST, known: dict[str, Any]) -> dict[str, Any]:
    "Names that a statement makes, with what is to be known of them."
    if isinstance(node, ast.Assign):
        return {name.id: kept(node.value, known) for name in node.targets if isinstance(name, ast.Name)}
    if isinstance(node, (ast.For, ast.comprehension)):
        over = next((known.get(name.id) for name in ast.walk(node.iter) if isinstance(name, ast.Name)), ANY)
        names = [name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)]
        return dict.fromkeys(names, Options(over.held, [])) if isinstance(over, Options) else {}
    if isinstance(node, ast.FunctionDef) and node.args.kwarg:
        own = {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
        last = lambda call: [word.value.id for word in call.keywords if not word.arg and isinstance(word.value, ast.Name)]
        to = [call for call in ast.walk(node) if isinstance(call, ast.Call) and node.args.kwarg.arg in last(call)]
        return {node.name: Passing(own, found)} if len(to) == 1 and callable(found := meant(to[0].func, known)) else {}
    return imported(node)


def spelled_out(call: ast.Call, known: dict[str, Any]) -> ast.Call:
    "A call with the arguments in dicts that are known; what `partial` holds is called with more to come."
    if ast.unparse(call.func) in ("partial", "functools.partial") and call.args:
        call = ast.Call(call.args[0], [*call.args[1:], ast.Starred(call.func)], call.keywords)
    dicts = [known.get(ast.unparse(word.value)) for word in call.keywords if word.arg is None]
    more = [ast.keyword(name, call.func) for options in dicts if isinstance(options, Options) for name in options.names]
    return ast.Call(call.func, call.args, call.keywords + more)


def asked_in_vain(node: ast.AST, known: dict[str, Any]) -> str:
    "What is wrong with a node; empty where nothing is. What it imports and assigns is put into `known`."
    try:
        known |= named(node, known)
        call = spelled_out(node, known) if isinstance(node, ast.Call) else None
        thing = meant(call.func if call else node, known)
        if call and isinstance(thing, Passing):
            further = [word for word in call.keywords if word.arg not in thing.own]
            return refused(thing.to, ast.Call(call.func, [ast.Starred(call.func)], further))
        return refused(thing, call) if call and callable(thing) else ""
    except (ImportError, AttributeError) as error:
        return str(error)


def wrong(scope: ast.AST, known: dict[str, Any]) -> Iterator[tuple[int, str]]:
    "Line and fault of all that code asks of the package in vain, in a scope that knows these names of it."
    own = bound(scope)
    known = {name: thing for name, thing in known.items() if name not in own}
    for node in [*getattr(scope, "generators", []), *inside(scope)]:
        if fault := asked_in_vain(node, known):
            yield node.lineno, f"{ast.unparse(node)[:90]}: {fault}"
        if isinstance(node, SCOPE):
            yield from wrong(node, known)


def of_fences(markdown: str) -> str:
    "Lines between ```python and ```, all others empty."
    lines, on = [], False
    for line in markdown.splitlines():
        lines.append(line if on and line != "```" else "")
        on = line == "```python" or (on and line != "```")
    return "\n".join(lines)


def parts(path: Path) -> list[tuple[str, str]]:
    "Kind and source of each cell of a notebook; of another file the only one."
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return [(path.suffix, text)]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]


def faults_of(path: Path) -> list[str]:
    "What the code of a file, but for exported cells, asks of the package in vain: where, what and why."
    known, body = {}, []
    for i, (kind, source) in enumerate(parts(path)):
        if module := re.search(r"^#\| default_exp (\S+)", source):
            known |= {name: x for name, x in vars(import_module(f"agentirt_nb.{module[1]}")).items() if is_ours(x)}
        if kind in ("markdown", ".md"):
            source = of_fences(source)
        elif re.search(r"^#\| export", source, re.MULTILINE) or kind == "raw":
            continue
        tree = ast.parse(re.sub(r"^[%!].*", "", source, flags=re.MULTILINE))
        body += [ast.increment_lineno(node, CELL * i) for node in tree.body]
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    found = wrong(ast.Module(body, []), known)
    cell = lambda line: f"cell {line // CELL}, " if path.suffix == ".ipynb" else ""
    return [f"{where}, {cell(line)}line {line % CELL}: {text}" for line, text in found]


WHERE = ("nbs/**/*.ipynb", "tests/**/*.py", "tools/*.py", "benchmarks/*.py", "*.md", "benchmarks/*.md")
FILES = [path for pattern in WHERE for path in sorted(ROOT.glob(pattern)) if ".ipynb_checkpoints" not in path.parts]


def test_what_is_asked_of_the_package_is_there():
    assert not [fault for path in FILES for fault in faults_of(path)]


MODEL = "unexpected keyword argument 'model'"


@pytest.mark.parametrize(
    "line, fault",
    [
        ("irt.fit(outcomes, curve='2pl')", ""),
        ("irt.fit(outcomes, model='2pl')", MODEL),
        ("fit(outcomes, '2pl', 'agent')", "too many positional arguments"),
        ("def of(fit):\n    fit(model='2pl')", ""),  # another one of this name
        ("def of(x):\n    return [fit(**x) for _ in range(9) if fit(curve=x)]", "missing a required argument: 'outcomes'"),
        ("irt.cross_validate(outcomes, 'tasks', curve='2pl')", ""),
        ("irt.cross_validate(outcomes, 'tasks', model='2pl')", MODEL),
        ("how = dict(model='2pl')\nfit(outcomes, **how)", MODEL),
        ("ways = [dict(model='2pl')]\nfor how in ways:\n    fit(outcomes, **how)", MODEL),
        (
            "ways = {'a': dict(model='2pl')}\n[fit(outcomes, **how) for _, how in ways.items()]",
            MODEL,
        ),
        ("def of(x, **how):\n    return fit(x, **how)\nof(outcomes, model='2pl')", MODEL),
        ("partial(fit, model='2pl')", MODEL),
        ("session = irt.AdaptiveSession(fits)\nsession.ask(agents=3)", "unexpected keyword argument 'agents'"),
        ("irt.fitted", "no attribute 'fitted'"),
        ("from agentirt_nb.irt.inference import fitted", "no attribute 'fitted'"),
    ],
)
def test_a_fault_is_seen(line, fault, tmp_path):
    cells = ["#| default_exp irt.inference", "#| export\n1 +", "import agentirt_nb as irt", f"#| slow\n%time\n{line}"]
    path = tmp_path / "some.ipynb"
    path.write_text(json.dumps(dict(cells=[dict(cell_type="code", source=[source]) for source in cells])))
    found = faults_of(path)
    assert len(found) == bool(fault)
    assert all("some.ipynb, cell 3, line" in text and fault in text for text in found)
