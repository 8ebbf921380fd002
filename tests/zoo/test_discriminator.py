import pytest

torch = pytest.importorskip("torch")

from zoo.networks.discriminator import Discriminator  # noqa: E402
from zoo.networks.style import LABELS  # noqa: E402


@pytest.mark.parametrize(("size", "widths"), [(64, (8, 8, 8, 8)), (128, (8, 12, 12, 16, 16))])
def test_each_face_gets_one_score_of_its_own(size, widths):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = Discriminator(size, widths)
        faces = torch.rand(3, 3, size, size)
    mask = torch.zeros(3, LABELS, size, size)
    scores = network(faces, mask)
    assert scores.shape == (3,)
    alone = torch.cat([network(face[None], mask[:1]) for face in faces])
    torch.testing.assert_close(scores, alone, rtol=1e-4, atol=1e-6)
    assert len(set(scores.tolist())) == 3


def test_the_mask_counts_and_no_mask_is_a_mask_that_says_nothing():
    network, faces = Discriminator(64, (8, 8)), torch.rand(1, 3, 64, 64)
    mask = torch.zeros(1, LABELS, 64, 64)
    assert torch.equal(network(faces, None), network(faces, mask))
    mask[:, 3] = 1
    assert not torch.equal(network(faces, None), network(faces, mask))
