"""Networks of spandrel's as restorers: their range, their size, the same bytes every time."""

import itertools

import numpy as np
import pytest

from zoo.restorer import Restorer
from zoo.restorers.spandrel.network import (
    RestorationError,
    SpandrelNetwork,
    levels_through,
    resized,
)
from zoo.restorers.spandrel.weights import read_network

torch = pytest.importorskip("torch")
pytest.importorskip("spandrel")
layouts = pytest.importorskip("published_layouts")


@pytest.fixture(scope="module")
def card():
    import zoo

    return zoo.card("input")


@pytest.fixture(scope="module")
def face():
    return np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)


@pytest.fixture
def compact(tmp_path, card):
    def make(scale, shade=0.0, channels=3, **named):
        path = layouts.save(layouts.compact(scale, shade, channels), tmp_path / "model.pth")
        return SpandrelNetwork(card, read_network(path), **named)

    return make


@pytest.fixture(scope="module")
def restoreformer(tmp_path_factory):
    state = {"params": layouts.restoreformer().state_dict()}
    return read_network(layouts.save(state, tmp_path_factory.mktemp("weights") / "model.pth"))


class _Spy(torch.nn.Module):
    """Stands for a face network: keeps what it is fed, and returns that, or what it is told to."""

    def __init__(self, returned=None):
        super().__init__()
        self.returned = returned
        self.fed = []
        self.named = []

    def forward(self, picture, **named):
        self.fed.append(picture.clone())
        self.named.append(named)
        returned = picture if self.returned is None else torch.full_like(picture, self.returned)
        return returned if self.plain else (returned, [])

    plain = False


def _described(identity, model):
    """Describe a module as spandrel does a network of that architecture, feeding [0, 1]."""
    import spandrel

    class Stand(spandrel.Architecture):
        def __init__(self):
            super().__init__(id=identity, detect=lambda state: True)

        def load(self, state_dict):
            raise NotImplementedError

    return spandrel.ImageModelDescriptor(
        model,
        {},
        architecture=Stand(),
        purpose="Restoration" if model.plain else "FaceSR",
        tags=[],
        supports_half=False,
        supports_bfloat16=False,
        scale=1,
        input_channels=3,
        output_channels=3,
        call_fn=(lambda model, image: model(image)) if model.plain else None,
    )


TRAINED_ON_BOTH_SIGNS = ["GFPGAN", "CodeFormer", "RestoreFormer", "MixDehazeNet"]


@pytest.mark.parametrize("identity", TRAINED_ON_BOTH_SIGNS)
def test_networks_trained_on_minus_one_to_one_are_fed_that_and_read_so(identity):
    spy = _Spy()
    spy.plain = identity == "MixDehazeNet"
    network = _described(identity, spy)
    black_to_white = np.linspace(0, 255, 48, dtype=np.float32).reshape(4, 4, 3)
    back = levels_through(network, black_to_white, "spy")
    (fed,) = spy.fed
    assert (float(fed.min()), float(fed.max())) == (-1.0, 1.0)
    assert np.allclose(back, black_to_white, atol=1e-3)


@pytest.mark.parametrize("identity", TRAINED_ON_BOTH_SIGNS)
@pytest.mark.parametrize(("returned", "level"), [(-1.0, 0.0), (0.0, 127.5), (1.0, 255.0)])
def test_what_they_return_is_read_from_minus_one_to_one(identity, returned, level):
    spy = _Spy(returned)
    spy.plain = identity == "MixDehazeNet"
    assert (levels_through(_described(identity, spy), np.zeros((4, 4, 3), np.float32), "spy")
            == level).all()  # fmt: skip


def test_all_other_networks_are_fed_zero_to_one():
    spy = _Spy()
    spy.plain = True
    levels = np.linspace(0, 255, 48, dtype=np.float32).reshape(4, 4, 3)
    back = levels_through(_described("SCUNet", spy), levels, "spy")
    assert (float(spy.fed[0].min()), float(spy.fed[0].max())) == (0.0, 1.0)
    assert np.allclose(back, levels, atol=1e-3)


def test_gfpgan_takes_its_stored_noise_and_codeformer_its_fidelity():
    levels = np.zeros((4, 4, 3), np.float32)
    gfpgan, codeformer = _Spy(), _Spy()
    levels_through(_described("GFPGAN", gfpgan), levels, "spy")
    levels_through(_described("CodeFormer", codeformer), levels, "spy", fidelity=0.7)
    assert gfpgan.named == [{"return_rgb": False, "randomize_noise": False}]
    assert codeformer.named == [{"weight": 0.7}]


@pytest.mark.parametrize(
    ("size", "scale", "channels"),
    [
        *itertools.product([(40, 40), (31, 17), (1, 1)], [1, 2, 4], [1, 3]),
        ((700, 600), 2, 3),
    ],
)
def test_a_face_comes_back_in_its_own_size(compact, size, scale, channels):
    picture = np.random.default_rng(1).integers(0, 200, (*size, 3), dtype=np.uint8)
    restorer = compact(scale, 20 / 255, channels)
    assert isinstance(restorer, Restorer)
    assert np.array_equal(restorer.restore([picture])[0], picture + 20)


def test_a_super_resolver_may_see_the_face_reduced_by_what_it_enlarges(compact):
    levels = np.random.default_rng(2).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    blocks = np.repeat(np.repeat(levels, 4, axis=0), 4, axis=1)
    # Blocks of one colour survive the mean over them, and the nearest neighbour that the
    # network's skip connection is.
    assert np.array_equal(compact(4, shrink=4).restore([blocks])[0], blocks)


def test_a_network_of_one_size_gets_faces_of_others_resampled_and_gives_them_back(card):
    spy = _Spy()
    restorer = SpandrelNetwork(card, _described("RestoreFormer", spy), side=64)
    smooth = np.tile(np.linspace(20, 220, 16, dtype=np.uint8)[:, None, None], (1, 16, 3))
    (restored,) = restorer.restore([smooth])
    assert spy.fed[0].shape == (1, 3, 64, 64)
    assert restored.shape == smooth.shape
    assert np.abs(restored.astype(int) - smooth).max() <= 1


def test_a_face_that_is_not_square_is_refused_by_a_network_for_squares(card):
    restorer = SpandrelNetwork(card, _described("GFPGAN", _Spy()), side=64)
    with pytest.raises(RestorationError, match="square faces, this one has 20 × 30"):
        restorer.restore([np.zeros((20, 30, 3), np.uint8)])


def test_the_same_face_gives_the_same_bytes_alone_in_a_batch_and_again(
    compact, restoreformer, card
):
    restorer = SpandrelNetwork(card, restoreformer, side=64)
    rng = np.random.default_rng(3)
    faces = [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(3)]
    before = [face.copy() for face in faces]
    first, again = restorer.restore(faces), restorer.restore(faces)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert np.array_equal(restorer.restore(faces[1:2])[0], first[1])
    assert all(np.array_equal(a, b) for a, b in zip(faces, before, strict=True))
    assert not np.array_equal(first[0], first[1])


class _Drawing(_Spy):
    plain = True

    def forward(self, picture):
        return picture + 0.1 * torch.randn_like(picture)


def test_a_network_that_draws_draws_the_same_and_leaves_the_callers_generator_alone():
    network = _described("AuraSR", _Drawing())
    levels = np.full((8, 8, 3), 128, np.float32)
    torch.manual_seed(1)
    first = levels_through(network, levels, "drawing")
    drawn = torch.randn(3)
    assert np.array_equal(levels_through(network, levels, "drawing"), first)
    torch.manual_seed(1)
    assert torch.equal(torch.randn(3), drawn)
    assert first.std() > 1


def test_a_real_restoreformer_agrees_with_spandrels_call_which_is_right_about_it(restoreformer):
    levels = np.random.default_rng(4).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    picture = torch.from_numpy(levels.transpose(2, 0, 1)[None] / np.float32(255))
    expected = restoreformer(picture).numpy()[0].transpose(1, 2, 0) * 255
    # float32 rounds otherwise on each CPU: .0128 levels were seen, a wrong range gives tens.
    assert np.allclose(levels_through(restoreformer, levels, "RestoreFormer"), expected, atol=0.05)


def test_a_real_mixdehazenet_is_not_fed_what_spandrel_feeds_it(tmp_path):
    model = layouts.mixdehazenet()
    network = read_network(layouts.save(model.state_dict(), tmp_path / "model.pth"))
    assert network.architecture.id == "MixDehazeNet"
    levels = np.random.default_rng(5).uniform(0, 255, (48, 44, 3)).astype(np.float32)
    picture = torch.from_numpy(levels.transpose(2, 0, 1)[None] / np.float32(255))
    with torch.inference_mode():
        right = ((model(picture * 2 - 1) + 1) / 2).clamp(0, 1).numpy()[0].transpose(1, 2, 0) * 255
    through = levels_through(network, levels, "MixDehazeNet")
    assert np.allclose(through, right, atol=0.01)
    fed_as_spandrel_does = network(picture).numpy()[0].transpose(1, 2, 0) * 255
    assert np.abs(through - fed_as_spandrel_does).mean() > 1


def test_values_that_are_not_finite_and_other_sizes_are_told(compact, face):
    with pytest.raises(RestorationError, match="not finite"):
        compact(1, float("nan")).restore([face])

    class Halving(_Spy):
        plain = True

        def forward(self, picture):
            return picture[..., ::2, ::2]

    with pytest.raises(RestorationError, match="another size"):
        levels_through(_described("SCUNet", Halving()), face.astype(np.float32), "halving")


def test_a_size_the_network_cannot_take_is_one_line():
    class Eights(_Spy):
        plain = True

        def forward(self, picture):
            return picture.reshape(1, 3, -1, 8, 8).reshape(picture.shape)

    levels = np.zeros((9, 7, 3), np.float32)
    with pytest.raises(RestorationError, match="eights cannot take 9 × 7 pixels") as refused:
        levels_through(_described("SCUNet", Eights()), levels, "eights")
    assert "\n" not in str(refused.value)


def test_a_network_that_fails_without_a_word_is_one_line():
    class Silent(_Spy):
        plain = True

        def forward(self, picture):
            raise RuntimeError

    with pytest.raises(RestorationError, match="8 × 8 pixels: no reason given"):
        levels_through(_described("SCUNet", Silent()), np.zeros((8, 8, 3), np.float32), "silent")


def test_resizing_down_is_the_mean_and_up_is_bicubic():
    import cv2

    levels = np.random.default_rng(6).uniform(0, 255, (12, 8, 3)).astype(np.float32)
    means = levels.reshape(6, 2, 4, 2, 3).mean(axis=(1, 3))
    assert np.allclose(resized(levels, (6, 4)), means, atol=1e-3)
    cubic = cv2.resize(levels, (16, 24), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(resized(levels, (24, 16)), cubic)
    assert resized(levels, (12, 8)) is levels


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key"), [("gfpgan", "params_ema"), ("codeformer", "params_ema")])
def test_the_real_architecture_at_512_is_what_its_authors_compute(tmp_path, card, name, key):
    if name == "codeformer":
        pytest.importorskip("spandrel_extra_arches")
    model = getattr(layouts, name)()
    network = read_network(layouts.save({key: model.state_dict()}, tmp_path / f"{name}.pth"))
    face = np.random.default_rng(7).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    picture = torch.from_numpy(face.transpose(2, 0, 1)[None].copy()).float() / 255
    named = {"randomize_noise": False} if name == "gfpgan" else {"weight": 0.5}
    with torch.inference_mode():
        right = ((model(picture * 2 - 1, **named)[0] + 1) / 2).clamp(0, 1)
    expected = np.rint(right.numpy()[0].transpose(1, 2, 0) * 255)
    restorer = SpandrelNetwork(card, network, side=512)
    (restored,) = restorer.restore([face])
    assert np.abs(restored - expected).max() <= 1
    wrong = network(picture).numpy()[0].transpose(1, 2, 0) * 255
    assert np.abs(restored - wrong).mean() > 1
    (small,) = restorer.restore([np.ascontiguousarray(face[::4, ::4])])
    assert small.shape == (128, 128, 3)
