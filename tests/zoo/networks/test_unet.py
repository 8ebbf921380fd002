import pytest

torch = pytest.importorskip("torch")

from zoo.networks.restoration.unet import PlainBlock, UNet, UNetConfig, doubled  # noqa: E402  # noqa: E402

SMALL = UNetConfig(64, {8: 16, 16: 12, 32: 8})


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def shaken(config):
    """Return a network whose zero-initialised layer is not zero any more."""
    network = UNet(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def test_a_new_network_returns_its_input_exactly():
    faces = torch.rand(2, 3, 64, 64)
    assert torch.equal(UNet(SMALL)(faces), faces)


@pytest.mark.parametrize(
    ("size", "patch", "channels"), [(64, 1, {32: 8, 64: 8}), (128, 4, {16: 8, 32: 8})]
)
def test_faces_keep_their_size_at_every_configuration(size, patch, channels):
    faces = torch.rand(1, 3, size, size)
    restored = shaken(UNetConfig(size, channels, patch))(faces)
    assert restored.shape == faces.shape
    assert not torch.equal(restored, faces)


def test_the_mask_is_not_looked_at():
    network, faces = shaken(SMALL), torch.rand(1, 3, 64, 64)
    assert not SMALL.masked
    assert torch.equal(network(faces), network(faces, torch.rand(1, 19, 64, 64)))


def test_every_parameter_learns():
    network = shaken(SMALL)
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_a_pixel_is_restored_from_far_around_it():
    network, faces = shaken(SMALL), torch.rand(1, 3, 64, 64, requires_grad=True)
    network(faces)[0, 0, 32, 32].backward()
    rows = faces.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) >= 60


@pytest.mark.parametrize(
    "wrong", [{"size": 100, "channels": {8: 8, 16: 8}}, {"size": 64, "channels": {8: 8, 32: 8}}]
)
def test_sizes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match=r"size|sides"):
        UNetConfig(**wrong)


def test_faces_of_another_size_are_refused():
    with pytest.raises(ValueError, match="faces are"):
        UNet(SMALL)(torch.rand(1, 3, 32, 32))


def test_a_plain_block_adds_to_its_input_and_doubling_repeats_pixels():
    block, x = PlainBlock(4), torch.rand(1, 4, 8, 8)
    with torch.no_grad():
        block.two.weight.zero_()
        block.two.bias.fill_(0.5)
    torch.testing.assert_close(block(x), x + 0.5)
    assert torch.equal(doubled(x)[..., ::2, 1::2], x)
