import pytest

from bench.store import environment as software


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ("degrade/a.py", "zoo/b.py", "zoo/weights/c.safetensors", "bench/metrics/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "bench" / "report.py").write_text("1")
    monkeypatch.setattr(software, "_TOP", tmp_path)
    return tmp_path


def digests():
    return software.restoring_software(), software.measuring_software()


@pytest.mark.parametrize(
    ("name", "restores", "measures"),
    [
        ("degrade/a.py", True, True),
        ("zoo/weights/c.safetensors", True, True),
        ("bench/metrics/d.py", False, True),
        ("bench/report.py", False, False),
    ],
)
def test_a_changed_source_changes_what_depends_on_it(tree, name, restores, measures):
    before = digests()
    (tree / name).write_text("2")
    after = digests()
    assert (before[0] != after[0], before[1] != after[1]) == (restores, measures)


def test_the_libraries_and_threads_are_part_of_it(tree, monkeypatch):
    before = digests()
    facts = software.environment()
    monkeypatch.setattr(software, "environment", lambda: facts | {"torch_threads": 77})
    assert all(one != other for one, other in zip(before, digests(), strict=True))
    monkeypatch.setattr(software, "environment", lambda: facts | {"git": None})
    assert digests() == before
