"""The import graph of the three packages: one direction, no cycles, type-only imports included."""

import ast
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("degrade", "zoo", "bench")


def modules():
    """Return the dotted name of every module → its file."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }


def imports_of(path, known):
    """Yield the modules that a file imports anywhere in it, functions and type hints included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in known or node.module in known:
                    yield name if name in known else node.module


@pytest.fixture(scope="module")
def graph():
    known = modules()
    edges = ((name, other) for name, path in known.items() for other in imports_of(path, known))
    return networkx.DiGraph((one, other) for one, other in edges if one != other)


def room(module):
    """Return ``package.folder`` of a module; a module at the root of a package is its own room."""
    return ".".join(module.split(".")[:2])


def cycles(graph):
    return [sorted(part) for part in networkx.strongly_connected_components(graph) if len(part) > 1]


def test_no_modules_import_each_other_in_a_circle(graph):
    assert cycles(graph) == []


def test_no_rooms_import_each_other_in_a_circle(graph):
    rooms = networkx.DiGraph(
        (room(one), room(other)) for one, other in graph.edges if room(one) != room(other)
    )
    assert cycles(rooms) == []


def test_bench_imports_zoo_and_zoo_imports_degrade_and_never_back(graph):
    rank = {package: place for place, package in enumerate(PACKAGES)}
    back = [
        (one, other)
        for one, other in graph.edges
        if rank[other.split(".")[0]] > rank[one.split(".")[0]]
    ]
    assert back == []
