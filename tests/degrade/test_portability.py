"""The same bytes on any processor, NumPy build and Python.

GOLDEN holds, for each portable operation, its version and the digest of what it makes of small
synthetic images, and for each recipe of such operations its own digest and that of its pixels.
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
        "aliased_disk_blur": (1, "15ae9c8ae476c590"),
        "average_blur": (1, "49199b1eaf4f0f59"),
        "chromatic_aberration": (1, "a9b3a55c16aaa8d2"),
        "colour_jitter": (1, "c167dc5e539f7f22"),
        "colour_shift": (1, "b6185f7e07ac0acb"),
        "correlated_noise": (1, "aeee9be53153ec9c"),
        "crop": (1, "73aec9a72cfcef97"),
        "defocus_blur": (1, "b83d6835f687eb42"),
        "diff_jpeg": (1, "a0fb295dd8ea97c8"),
        "flip": (1, "61ad921678c3657a"),
        "gaussian_blur": (1, "a935ad7ad97432c6"),
        "gaussian_noise": (1, "b8d438d04defa31d"),
        "generalised_gaussian_blur": (1, "0eb18c6c1c215da2"),
        "glass_blur": (1, "951f90e0b6c4eb50"),
        "grey": (1, "0b4e9b44426e3c0a"),
        "haze": (1, "60f6131c6f7d938b"),
        "impulse_noise": (1, "a63c6ad86c22ac66"),
        "jpeg": (1, "aefdb30395ff2784"),
        "luma_noise": (1, "55e378814aac13c8"),
        "median_blur": (1, "6b96146a93a91e15"),
        "motion_blur": (1, "fc0ab8d38d34e67b"),
        "one_sided_motion_blur": (1, "066f970fc9728955"),
        "pixelate": (1, "4ea707e02ed8ee2e"),
        "plateau_blur": (1, "76b339c4f80268ce"),
        "poisson_noise": (1, "cd0e95df9f453095"),
        "resize": (1, "9a667d3ed62feb7d"),
        "resize_blur": (1, "91995b22153c5df0"),
        "resize_linear_light": (1, "faf9041b8d17dfbf"),
        "round": (1, "fa53a116256c63d3"),
        "sensor_noise": (1, "89502425cdf76828"),
        "shake_blur": (1, "4c499d741f81b7b0"),
        "shift": (1, "86bfc55fd8fd8e56"),
        "shot_noise": (1, "b56c8ded421d7bce"),
        "sinc_blur": (1, "e9925f877f53f581"),
        "speckle_noise": (1, "8ac013a84c02272f"),
        "truncate": (1, "fa53a116256c63d3"),
        "unsharp_mask": (1, "e76f19fcf537dc40"),
        "zoom_blur": (1, "acf71b4cefae1e7a"),
    },
    "recipes": {
        "bsrgan": ("f905d0fb", "1b82f28cabdb603e"),
        "codeformer-2": ("65d41925", "f9027136276b9f90"),
        "codeformer-3": ("b1cc084f", "24267078bd4aa1e3"),
        "diffbir-1": ("02f7895b", "f14c07274eac2b89"),
        "gfpgan": ("3fe54049", "ced7bd5ec0861ac0"),
        "gfpgan-128": ("ed6eb022", "3cc92c59cb8acaf0"),
        "gfpgan-256": ("35bace31", "319ca096432fe797"),
        "gfpgan-64": ("4db3cdc4", "0dbcd14f513c893d"),
        "gpen": ("86d47cf1", "033b33a2b91ae269"),
        "imagenet-c": ("8742e9cd", "e05281ebe3ec9ea2"),
        "kuaishou": ("ffcf07ed", "bb58f4bff4695e59"),
        "kuaishou-128": ("a3a14eda", "98607121485fcce0"),
        "kuaishou-256": ("7fa8a45f", "441fac3752039f85"),
        "kuaishou-64": ("3c413631", "1779d477bdfcae1b"),
        "psfrgan": ("4cb4c56f", "d7b05a1a13733b7a"),
        "real-esrgan": ("4fc7baf4", "efb435dfa443568c"),
        "restoreformer++": ("f00ac55e", "33c67131943c3ccf"),
        "vqfr": ("b26f9ae8", "ced7bd5ec0861ac0"),
    },
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
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), *(f"--only={name}" for name in only)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=290,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


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
    finished = subprocess.run(
        [python, str(SCRIPT)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
        timeout=290,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert_golden(json.loads(finished.stdout))


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
