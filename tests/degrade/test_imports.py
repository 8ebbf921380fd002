"""The commands answer at once, and nothing here needs torch."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
HEAVY = ("numba", "torch", "pandas", "scipy", "skimage", "cv2", "pyarrow", "imagecodecs")

STARTS = {
    "import degrade": "import degrade",
    **{
        f"degrade {command} --help": (
            "from degrade.cli import main\n"
            f"try:\n    main('{command} --help'.split())\n"
            "except SystemExit as end:\n    assert not end.code"
        )
        for command in ("", "list", "apply", "build", "verify", "replay", "preview")
    },
}


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("start", STARTS)
def test_it_starts_without_heavy_packages(start):
    result = run(
        f"{STARTS[start]}\nimport sys\n"
        f"print('loaded', *[name for name in {HEAVY} if name in sys.modules])"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "loaded"


@pytest.mark.parametrize("start", STARTS)
def test_it_starts_in_under_half_a_second(start):
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        assert run(STARTS[start]).returncode == 0
        seconds.append(time.perf_counter() - begin)
        if seconds[-1] < 0.5:
            break
    assert min(seconds) < 0.5


def test_degrade_works_where_torch_timm_and_dlib_cannot_be_imported(photos, tmp_path):
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'torchvision', 'timm', 'dlib'):\n"
        "            raise ImportError(f'{name} is blocked')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from degrade.cli import main\n"
        "for line in sys.argv[1:]:\n"
        "    try:\n"
        "        main(line.split('|'))\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, line\n"
    )
    out = tmp_path / "out"
    options = "--recipe|kuaishou-128"
    result = run(
        code,
        "list",
        f"build|{photos}|{out}|{options}",
        f"verify|{out}",
        f"replay|{out}|a",
        f"apply|{photos}|{tmp_path / 'lq'}|{options}",
        f"preview|{photos}|{tmp_path / 'sheet.png'}|{options}",
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "sheet.png").is_file()


def test_the_public_names_are_those_that_can_be_imported():
    import degrade

    assert sorted(degrade.__all__) == dir(degrade)
    for name in degrade.__all__:
        assert getattr(degrade, name) is not None
    with pytest.raises(AttributeError, match=r"attribute.*restore"):
        _ = degrade.restore
