"""The identity loss with the descriptor that Relume brings."""

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import one_thread, small, write_faces  # noqa: E402

from zoo.networks.faces.face_descriptor import DESCRIPTORS, shipped_descriptor  # noqa: E402
from zoo.registry.registry import names  # noqa: E402
from zoo.restorers.trained_card import card_of_file  # noqa: E402
from zoo.training.base.run import train  # noqa: E402
from zoo.training.losses.identity import IdentityLoss, tight_part  # noqa: E402
from zoo.training.tasks.restorer.config import IdentityConfig  # noqa: E402
from zoo.weights.builtin import FOLDER, shipped_card, shipped_names  # noqa: E402
from zoo.weights.header import read_trained_file  # noqa: E402

OURS = IdentityConfig("arcface-small", 0.1)
CPU = torch.device("cpu")


@pytest.fixture
def no_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))


def test_it_is_there_without_a_cache_folder_and_draws_towards_the_truth(no_cache):
    loss = IdentityLoss(OURS, CPU)
    hq = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    assert float(loss(hq, hq)) == pytest.approx(0, abs=1e-6)
    restored = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(2))
    restored.requires_grad_(True)
    before = loss(restored, hq)
    (slope,) = torch.autograd.grad(before, restored)
    assert bool(slope.isfinite().all()) and float(slope.norm()) > 0
    assert loss((restored - 2 * slope / slope.norm()).detach(), hq) < before.detach()


def test_of_an_ffhq_face_it_sees_what_a_tight_crop_shows(no_cache):
    """A ramp, aligned both ways: the part of one is the other, made smaller."""
    from zoo.templates import template_points

    part = tight_part(torch.arange(512.0).expand(1, 3, 512, 512))
    assert part.shape == (1, 3, 320, 320)
    rows = tight_part(torch.arange(512.0)[:, None].expand(1, 3, 512, 512))
    left, top = float(part[0, 0, 0, 0]), float(rows[0, 0, 0, 0])
    ffhq = template_points("ffhq", "eyes-nose-mouth", 512) - (left, top)
    tight = template_points("tight", "eyes-nose-mouth", 320)
    assert abs(ffhq - tight).max() < 0.5
    loss = IdentityLoss(IdentityConfig("arcface-small", 0.1, "ffhq"), CPU)
    hq = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    changed = hq.clone()
    changed[:, :, :12] = 0
    assert float(loss(changed, hq)) == pytest.approx(0, abs=1e-6)


def test_a_restorer_trained_against_it_says_so(no_cache, tmp_path):
    faces = write_faces(tmp_path / "faces")
    with one_thread():
        path = train(small(identity=OURS, steps=2), faces, tmp_path / "run")
    assert card_of_file(read_trained_file(path)).loss_networks == ("arcface-small",)


def test_the_shipped_descriptor_is_small_has_a_whole_card_and_is_no_restorer():
    assert shipped_names("descriptor") == DESCRIPTORS
    assert not set(DESCRIPTORS) & set(names())
    for name in DESCRIPTORS:
        card = shipped_card(name)
        assert (card.card.name, card.card.kind, card.card.template) == (name, "descriptor", "tight")
        assert "research, non-commercial" in card.card.licence_weights
        assert {"training", "figures", "what the figures do not show"} <= set(card.more)
        assert (FOLDER / f"{name}.safetensors").stat().st_size < 2e6
        assert not shipped_descriptor(name).training
