import pytest

torch = pytest.importorskip("torch")

from zoo.networks.restoration.designs import restorer_config  # noqa: E402
from zoo.networks.restoration.style import LABELS, StyleConfig, StyleRestorer, complete_mask  # noqa: E402

SMALL = StyleConfig(64, {8: 16, 16: 12, 32: 8}, style=8)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def shaken(config):
    """Return a network whose zero-initialised layers are not zero any more."""
    network = StyleRestorer(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


@pytest.mark.parametrize("start", ["constant", "encoder"])
def test_a_new_network_returns_its_input_exactly(start):
    network = StyleRestorer(StyleConfig(64, {8: 16, 16: 12, 32: 8}, style=8, start=start))
    faces = torch.rand(2, 3, 64, 64)
    assert torch.equal(network(faces), faces)
    assert torch.equal(network(faces, torch.rand(2, LABELS, 64, 64)), faces)


@pytest.mark.parametrize(
    ("size", "patch", "channels"),
    [
        (64, 1, {16: 8, 32: 8, 64: 8}),
        (128, 2, {8: 8, 16: 8, 32: 8, 64: 8}),
        (256, 4, {32: 8, 64: 8}),
    ],
)
def test_faces_keep_their_size_at_every_configuration(size, patch, channels):
    network = shaken(StyleConfig(size, channels, patch=patch, style=8))
    faces = torch.rand(1, 3, size, size)
    restored = network(faces)
    assert restored.shape == faces.shape
    assert not torch.equal(restored, faces)


def test_the_mask_is_completed_to_a_distribution():
    mask = torch.rand(2, LABELS, 8, 8) * 0.2
    whole = complete_mask(mask, torch.zeros(2, 3, 8, 8))
    assert whole.shape == (2, LABELS + 1, 8, 8)
    torch.testing.assert_close(whole.sum(dim=1), torch.ones(2, 8, 8))


def test_a_mask_may_be_of_any_side_from_the_finest_level_on():
    network, faces = shaken(SMALL), torch.rand(1, 3, 64, 64)
    mask = torch.nn.functional.one_hot(torch.randint(LABELS, (1, 32, 32)), LABELS)
    mask = mask.permute(0, 3, 1, 2).float()
    wanted = network(faces, mask)
    for times in (2, 4):
        larger = mask.repeat_interleave(times, 2).repeat_interleave(times, 3)
        torch.testing.assert_close(network(faces, larger), wanted)
    for shape in ((16, 16), (32, 64), (31, 31)):
        with pytest.raises(ValueError, match=r"not \(n, 19, side, side\) of a side from 32 on"):
            network(faces, torch.zeros(1, LABELS, *shape))


def test_no_mask_is_a_mask_that_says_nothing():
    network, faces = shaken(SMALL), torch.rand(2, 3, 64, 64)
    assert torch.equal(network(faces), network(faces, torch.zeros(2, LABELS, 64, 64)))
    assert torch.equal(complete_mask(None, faces)[:, LABELS], torch.ones(2, 64, 64))


def test_the_mask_changes_the_face_and_an_unmasked_network_ignores_it():
    faces, mask = torch.rand(1, 3, 64, 64), torch.zeros(1, LABELS, 64, 64)
    mask[:, 1] = 1
    network = shaken(SMALL)
    assert not torch.equal(network(faces), network(faces, mask))
    blind = shaken(StyleConfig(64, {8: 16, 16: 12, 32: 8}, style=8, masked=False))
    assert torch.equal(blind(faces), blind(faces, mask))


def test_a_face_does_not_depend_on_its_neighbours_in_the_batch():
    network, faces = shaken(SMALL), torch.rand(3, 3, 64, 64)
    alone = torch.cat([network(face[None]) for face in faces])
    torch.testing.assert_close(network(faces), alone, rtol=1e-4, atol=1e-5)


def test_every_parameter_learns():
    network = shaken(SMALL)
    network(torch.rand(2, 3, 64, 64), torch.rand(2, LABELS, 64, 64)).square().mean().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 100, "channels": {8: 8, 16: 8}},
        {"size": 64, "channels": {8: 8, 32: 8}},
        {"size": 32, "channels": {8: 8, 16: 8}},
        {"size": 64, "channels": {16: 8, 32: 8}, "start": "noise"},
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match=r"size|sides|start"):
        restorer_config(wrong)


def test_faces_and_masks_of_another_size_are_refused():
    network = StyleRestorer(SMALL)
    with pytest.raises(ValueError, match="faces are"):
        network(torch.rand(1, 3, 32, 64))
    with pytest.raises(ValueError, match="mask is"):
        network(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))
