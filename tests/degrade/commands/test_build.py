import json

import pytest
from click.testing import CliRunner

from degrade.cli import main
from degrade.dataset.layout import StorageFormat
from degrade.dataset.lock import stored_as
from degrade.dataset.manifest import read_manifest


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


BUILD = ("--recipe", "gfpgan-128", "--seed", "7")


def test_the_options_of_storing_arrive_and_the_set_is_verified_and_replayed(photos, tmp_path):
    out = tmp_path / "out"
    options = ["--format", "webdataset", "--shard-size", 2, "--lq-format", "qoi"]
    options += ["--hq-format", "jxl", "--hq", "store", "--keep-small"]
    built = call("build", photos, out, *BUILD, *options)
    assert built.exit_code == 0, built.stderr
    assert stored_as(out) == StorageFormat("webdataset", "qoi", "jxl", "store", True, 2)
    assert sorted(path.name for path in (out / "shards").iterdir()) == [
        "shard-000000.tar",
        "shard-000001.tar",
        "shard-000002.tar",
    ]
    checked = call("verify", out, "--workers", 2)
    assert checked.exit_code == 0, checked.stderr
    assert checked.stdout.splitlines()[1] == built.stdout.splitlines()[1]
    row = read_manifest(out).rows[-1]
    assert row.lq_file_name == "z.lq.qoi"
    for key in (row.key, row.lq_file_name):
        assert call("replay", out, key).stdout.splitlines()[-1].startswith("z: identical")


def test_parts_end_well_and_say_what_to_do_until_the_last(photos, tmp_path):
    out = tmp_path / "out"
    first = call("build", photos, out, *BUILD, "--shard-size", 1, "--shards", "1/3")
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("shards still missing: 3. Run the other parts of --shards; ")
    second = call("build", photos, out, *BUILD, "--shards", "2/3", "--json")
    assert json.loads(second.stdout)["missing_shards"] == 1
    assert call("verify", out).exit_code == 2
    third = call("build", photos, out, *BUILD, "--shards", "3/3")
    whole = call("build", photos, tmp_path / "whole", *BUILD)
    assert third.stdout.splitlines()[1] == whole.stdout.splitlines()[1]
    assert "missing" not in third.stdout


def test_the_summary_counts_by_status_and_says_where(photos, tmp_path):
    (photos / "text.png").write_text("hello")
    (photos / "zz.png").write_bytes((photos / "z.png").read_bytes())
    built = call("build", photos, tmp_path / "out", *BUILD)
    assert built.exit_code == 1
    counts, _, where = built.stdout.splitlines()
    assert counts.startswith("6 pairs, 1 failed inputs, ")
    assert counts.endswith(" s; 1 input is a byte-equal copy of others")
    assert where == f"in {tmp_path / 'out'}, failed ones in failed.parquet"
    assert "failed: text.png is not an image" in built.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shards", "3/2"], "there is not a part 3 of 2"),
        (["--shards", "x"], "'x' is not a part"),
        (["--format", "zip"], "'zip' is not one of"),
        (["--lq-format", "jpg"], "'jpg' is not one of"),
        (["--shard-size", 0], "0 is not in the range"),
    ],
)
def test_wrong_options_are_one_line_of_wrong_use(photos, tmp_path, options, message):
    result = call("build", photos, tmp_path / "out", *BUILD, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()
