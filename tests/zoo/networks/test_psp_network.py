import pytest

torch = pytest.importorskip("torch")

from inversion_stand_ins import ENCODER, small_encoder  # noqa: E402

from zoo.networks.config import network_config, network_record  # noqa: E402
from zoo.networks.stylegan.psp import EncoderConfig, PspEncoder  # noqa: E402

SHIPPED = {64: 24, 32: 48, 16: 80, 8: 112, 4: 128}


def faces(count, seed=1):
    return torch.rand((count, 3, 64, 64), generator=torch.Generator().manual_seed(seed))


def test_every_face_gets_a_code_for_each_layer():
    assert small_encoder()(faces(3)).shape == (3, 10, 16)


def test_the_design_that_is_trained_here_has_a_million_parameters():
    with torch.device("meta"):
        network = PspEncoder(EncoderConfig(64, SHIPPED, width=40, latent=128, layers=10))
    assert 1.0e6 < sum(each.numel() for each in network.parameters()) < 1.25e6


def test_a_face_is_encoded_alike_alone_and_in_a_batch():
    encoder = small_encoder()
    together = encoder(faces(4))
    torch.testing.assert_close(encoder(faces(4)[2:3]), together[2:3], rtol=0, atol=1e-5)


def test_coarse_codes_read_more_of_the_face_than_fine_ones():
    """One pixel in the corner reaches the coarse codes by its own path too: all see all of it."""
    encoder, seen = small_encoder(), faces(1).requires_grad_(True)
    for code in range(10):
        (slope,) = torch.autograd.grad(encoder(seen)[0, code].sum(), seen)
        assert (slope.abs().amax(dim=1) > 0).float().mean() > 0.9


def test_the_levels_of_the_pyramid_share_the_codes_by_thirds():
    assert ENCODER.shares == (3, 3, 4)
    for layers in (3, 4, 18):
        shares = EncoderConfig(64, SHIPPED, 8, 16, layers).shares
        assert sum(shares) == layers and min(shares) >= 1


def test_the_first_guess_of_new_weights_lies_near_the_average_code():
    assert small_encoder()(faces(8)).abs().max() < 1.0


def test_a_record_gives_the_sizes_back_even_with_sides_as_texts():
    record = network_record(ENCODER)
    record["channels"] = {str(side): width for side, width in record["channels"].items()}
    assert network_config(record, {"psp": EncoderConfig}) == ENCODER


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": {64: 8, 16: 8, 8: 8, 4: 8}}, "do not halve"),
        ({"channels": {32: 8, 16: 8, 8: 8, 4: 8}}, "do not go from"),
        ({"channels": {64: 8, 32: 8, 16: 8, 8: 8}}, "do not go from"),
        ({"channels": {64: 9, 32: 8, 16: 8, 8: 8, 4: 8}}, "multiples of 8"),
        ({"width": 12}, "multiples of 8"),
        ({"layers": 2}, "less than the pyramid's 3"),
        ({"latent": 0}, "network.latent"),
        ({"latent": True}, "network.latent"),
        ({"channels": {}}, "do not go from"),
        ({"channels": "few"}, "network.channels"),
        ({"channels": {64: 8.0, 32: 8, 16: 8, 8: 8, 4: 8}}, "network.channels"),
        ({"design": "style"}, "unknown design 'style'"),
    ],
)
def test_sizes_that_make_no_encoder_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        network_config(network_record(ENCODER) | changes, {"psp": EncoderConfig})
