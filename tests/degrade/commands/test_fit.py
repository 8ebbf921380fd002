import json

import pytest
from click.testing import CliRunner
from known_recipes import ALONE

from degrade.cli import main
from degrade.dataset.sources import open_source
from degrade.engine.apply import apply
from degrade.images import read_image, write_png
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Twenty-one noisy photographs of 128 pixels and one damaged file."""
    root = tmp_path_factory.mktemp("fit")
    (root / "known.yaml").write_text(f"version: 1\nsteps:\n{ALONE['noise']}\n")
    recipe, sources = load_recipe(root / "known.yaml"), open_source("sample-photos", longest=128)
    for number in range(21):
        variant, position = divmod(number, len(sources))
        key = sources.keys[position]
        hq = sources.read(key)
        drawn_plan = plan(recipe, seed=8, image_id=key, size=hq.shape[:2], variant=variant)
        write_png(root / "bad" / f"{number}.png", apply(drawn_plan, hq))
    (root / "bad" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0abc")
    return root / "bad"


def run(*arguments):
    return CliRunner().invoke(main, ["fit", *map(str, arguments)])


def test_a_fit_writes_a_recipe_and_a_plot_and_names_what_it_could_not_read(bad, tmp_path):
    out = tmp_path / "fitted.yaml"
    finished = run(bad, "--out", out, "--generate", 20, "--rounds", 1)
    assert finished.exit_code == 1, finished.output
    assert "21 photographs measured, 1 failed; 20 generated" in finished.stdout
    assert "failed: torn.jpg" in finished.stderr
    assert "gaussian_noise" in load_recipe(out).operations()
    assert read_image(tmp_path / "fitted.png").shape[2] == 3


def test_json_holds_every_measurement_and_failures_may_be_allowed(bad, tmp_path):
    options = ("--generate", 20, "--rounds", 1, "--json", "--allow-failed")
    finished = run(bad, "--out", tmp_path / "a.yaml", "--plot", tmp_path / "b.png", *options)
    assert finished.exit_code == 0
    record = json.loads(finished.stdout)
    assert (record["n"], len(record["measurements"]), len(record["failed"])) == (21, 21, 1)
    assert set(record["quartiles"]["noise"]) == {"photographs", "generated"}
    assert (tmp_path / "b.png").is_file()


def test_too_few_photographs_are_one_line_and_nothing_is_written(bad, tmp_path):
    for path in sorted(bad.iterdir())[:5]:
        (tmp_path / "few").mkdir(exist_ok=True)
        (tmp_path / "few" / path.name).write_bytes(path.read_bytes())
    finished = run(tmp_path / "few", "--out", tmp_path / "a.yaml")
    assert finished.exit_code == 2
    assert (
        finished.stderr.strip()
        .splitlines()[-1]
        .startswith("Error: 5 photographs could be measured")
    )
    assert not (tmp_path / "a.yaml").exists()
