"""Who may know whom: the rooms of rtkit, plug-ins on the public interface alone, no circle of imports, a small core."""

import ast
import io
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: What each room may import of rtkit, beside itself.
BELOW = {
    "core": set(),
    "handover": {"core"},
    "files": {"core"},
    "signals": {"core", "handover", "files"},
    "audio": {"core", "handover"},
    "video": {"core", "handover", "files"},
    "onnx": {"core", "handover", "video"},
    "provided": {"core"},
    "live": {"core", "handover", "files", "signals", "audio", "video", "onnx", "provided"},
    "cli": {"core", "handover", "files", "signals", "audio", "video", "onnx", "provided"},
    "testing": {"core"},
    "models": {"core", "onnx"},
    "images": {"core", "video"},
}
PUBLIC = {"rtkit", "rtkit.models", "rtkit.images", "rtkit.testing"}
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists())
#: Lines of code of the core: no blank lines, comments and docstrings.
MOST_CORE_LINES = 1500


def modules(*folders):
    """Python files below these folders, by the name of the module."""
    found = {}
    for folder in folders:
        base = ROOT / folder
        for path in base.rglob("*.py"):
            parts = path.relative_to(base.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path, name, known=()):
    """Modules that a file imports, at its top and inside functions, but not for type checking alone."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in known else base


def test_a_room_knows_only_those_below_it():
    found = modules("rtkit")
    wrong = []
    for name, path in found.items():
        room = name.split(".")[1] if "." in name else ""
        for used in imports(path, name, found):
            parts = used.split(".")
            if parts[0] == "rtkit" and room in BELOW and len(parts) > 1 and parts[1] not in BELOW[room] | {room}:
                wrong.append(f"{name} imports {used}")
    assert not wrong


def test_the_core_imports_numpy_and_pluggy_only():
    outside = {
        used.partition(".")[0]
        for name, path in modules("rtkit").items()
        if name.startswith("rtkit.core")
        for used in imports(path, name)
        if used.partition(".")[0] not in sys.stdlib_module_names
    }
    assert outside == {"rtkit", "numpy", "pluggy"}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugins_live_on_the_public_interface(plugin):
    wrong = []
    for name, path in modules(f"plugins/{plugin}").items():
        for used in imports(path, name):
            top = used.partition(".")[0]
            if (top == "rtkit" and used not in PUBLIC) or (top.startswith("rtkit_") and top != plugin) or top == "export":
                wrong.append(f"{name} imports {used}")
    assert not wrong


def test_what_is_public_is_promised():
    import rtkit
    import rtkit.images
    import rtkit.models

    for name in rtkit.__all__:
        assert getattr(rtkit, name) is not None
    for plugin in PLUGINS:
        for path in (ROOT / "plugins" / plugin).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module in ("rtkit", "rtkit.models", "rtkit.images"):
                    promised = {"rtkit": rtkit, "rtkit.models": rtkit.models, "rtkit.images": rtkit.images}[node.module].__all__
                    for alias in node.names:
                        assert alias.name in promised or alias.name in ("models", "images"), f"{path}: {node.module}.{alias.name}"


def test_no_circle_of_imports():
    """Also none that is closed by an import inside a function."""
    found = modules("rtkit", *(f"plugins/{name}" for name in PLUGINS), "export")
    edges = {
        name: {used for used in imports(path, name, found) if used in found and used != name and not name.startswith(f"{used}.")}
        for name, path in found.items()
    }
    circles = strongly_connected(edges)
    assert not circles, "\n".join(" - ".join(sorted(circle)) for circle in circles)


def strongly_connected(edges):
    """Components of more than one module (Tarjan)."""
    index, low, stack, found, order = {}, {}, [], [], iter(range(10**6))

    def visit(name):
        index[name] = low[name] = next(order)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            component = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(component) > 1:
                found.append(component)

    for name in edges:
        if name not in index:
            visit(name)
    return found


def test_circles_are_found():
    assert strongly_connected({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert not strongly_connected({"a": {"b"}, "b": set()})


def test_core_and_page_know_no_plugin_by_name():
    from rtkit.core.host import Host

    host = Host(selected="")
    own = {name for plugin in PLUGINS for info in host.plugins.values() if info.key == f"rtkit:{plugin[6:]}" for name in info.processors}
    words = (own | {"lsl", "strip", "identification"}) - {"echo"} | {"rtkit_echo"}
    texts = {path: code_of(path) for path in (ROOT / "rtkit" / "core").glob("*.py")}
    texts |= {path: code_of(path) for path in (ROOT / "rtkit" / "live").rglob("*.py")}
    texts |= {path: path.read_text() for path in (ROOT / "rtkit" / "live" / "page").rglob("*.js")}
    wrong = [f"{path.name}: {word}" for path, text in texts.items() for word in sorted(words) if f'"{word}"' in text or f"'{word}'" in text]
    assert not wrong


def code_of(path):
    """The code of a file without comments and docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree).replace("'", '"')


def lines_of_code(path):
    """Lines with code: no blank ones, comments or docstrings."""
    text = path.read_text()
    docs = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docs |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    passed = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for token in tokens if token.type not in passed for line in range(token.start[0], token.end[0] + 1)}
    return len(lines - docs)


def test_the_core_stays_small():
    assert sum(map(lines_of_code, (ROOT / "rtkit" / "core").glob("*.py"))) < MOST_CORE_LINES


def test_tables_of_the_documentation_are_up_to_date():
    from docs import generate

    for path in generate.TABLES:
        assert generate.written(path) == (ROOT / path).read_text(), f"{path}: run python docs/generate.py"
