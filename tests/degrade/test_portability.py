"""The same bytes on any processor, NumPy build and Python.

GOLDEN holds, for each portable operation, its version and the digest of what it makes of small
synthetic pictures, and for each recipe of such operations its own digest and that of its pixels.
The rule: a digest may only change together with the operation's version; a change of digest
without a change of version fails here. After raising the version (or for a new operation) run

    python tests/degrade/portable_digests.py --write

which renews the table, and refuses where the rule is broken.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("portable_digests.py")
FEW = ("gaussian_noise", "pixelate", "resize")

GOLDEN = {
    "operations": {
        "colour_jitter": (1, "c167dc5e539f7f22"),
        "colour_shift": (1, "b6185f7e07ac0acb"),
        "defocus_blur": (1, "b83d6835f687eb42"),
        "gaussian_blur": (1, "e15569a906aaac00"),
        "gaussian_noise": (1, "60f543d1873a4705"),
        "grey": (1, "0b4e9b44426e3c0a"),
        "impulse_noise": (1, "a63c6ad86c22ac66"),
        "jpeg": (1, "aefdb30395ff2784"),
        "motion_blur": (1, "862aff32207ea3a6"),
        "pixelate": (1, "4ea707e02ed8ee2e"),
        "shot_noise": (1, "2a8a26b886e664f8"),
    },
    "recipes": {},
}


def load_script():
    spec = importlib.util.spec_from_file_location("portable_digests", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


def run(only=(), cache=None, **environment):
    """Run the script in a process of its own and return what it printed."""
    if cache:
        environment["NUMBA_CACHE_DIR"] = f"{os.environ['NUMBA_CACHE_DIR']}-{cache}"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *(f"--only={name}" for name in only)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_golden(record, only=()):
    expected = {
        group: {name: list(entry) for name, entry in entries.items() if not only or name in only}
        for group, entries in GOLDEN.items()
    }
    assert {group: record[group] for group in expected} == expected


@pytest.mark.parametrize("name", script.portable_operations())
def test_an_operation_makes_its_golden_bytes(name):
    version, digest = GOLDEN["operations"].get(name, (None, None))
    assert script.OPERATIONS[name].version == version, "run portable_digests.py --write"
    assert script.operation_digest(name) == digest, (
        f"{name} version {version} makes other bytes: raise its version, then renew the table"
    )


@pytest.mark.parametrize("name", script.portable_recipes())
def test_a_recipe_makes_its_golden_bytes(name):
    recipe, digest = GOLDEN["recipes"].get(name, (None, None))
    assert script.load_recipe(name).digest[:8] == recipe, "run portable_digests.py --write"
    assert script.recipe_digest(name) == digest


def test_the_table_names_no_operation_and_no_recipe_that_is_gone():
    assert sorted(GOLDEN["operations"]) == script.portable_operations()
    assert sorted(GOLDEN["recipes"]) == script.portable_recipes()


def test_the_same_bytes_without_any_vector_extension_in_the_kernels_for_a_few_operations():
    record = run(FEW, "generic", NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert (record["facts"]["numba_cpu"], record["facts"]["numba_features"]) == ("generic", "")
    assert_golden(record, FEW)


@pytest.mark.slow
def test_the_same_bytes_without_any_vector_extension_in_the_kernels():
    record = run((), "generic", NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert (record["facts"]["numba_cpu"], record["facts"]["numba_features"]) == ("generic", "")
    assert_golden(record)


def test_the_same_bytes_without_numpys_vector_extensions():
    names = {"X86_V3", "X86_V4"}
    native = script.facts()
    switchable = names & set(native["numpy_dispatch"]) & set(native["numpy_on"])
    if not switchable:
        pytest.skip(f"NumPy {native['numpy']} here dispatches none of {', '.join(sorted(names))}")
    record = run((), NPY_DISABLE_CPU_FEATURES=" ".join(sorted(switchable)))
    assert not names & set(record["facts"]["numpy_on"])
    assert_golden(record)


OTHERS = [path for path in os.environ.get("RELUME_PYTHONS", "").split(os.pathsep) if path]


@pytest.mark.slow
@pytest.mark.skipif(not OTHERS, reason="RELUME_PYTHONS names no other Python with the core install")
@pytest.mark.parametrize("python", OTHERS)
def test_the_same_bytes_under_another_python(python):
    done = subprocess.run(
        [python, str(SCRIPT)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_golden(json.loads(done.stdout))


def test_a_new_digest_under_an_old_version_is_refused():
    old = {"operations": {"grey": (1, "aaaa")}, "recipes": {}}
    new = {"operations": {"grey": (1, "bbbb")}, "recipes": {}}
    with pytest.raises(SystemExit, match="grey makes other bytes but is still version 1"):
        script.renewed("GOLDEN = {\n}", old, new)


def test_a_new_digest_under_a_new_version_is_written():
    old = {"operations": {"grey": (1, "aaaa")}, "recipes": {}}
    new = {"operations": {"grey": (2, "bbbb")}, "recipes": {"gfpgan": ("01ab", "cdef")}}
    text = script.renewed("before\nGOLDEN = {\n    1: {},\n}\nafter\n", old, new)
    scope = {}
    exec(text.replace("before", "").replace("after", ""), scope)
    assert scope["GOLDEN"] == new
    assert text.startswith("before\n") and text.endswith("}\nafter\n")
