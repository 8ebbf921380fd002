import dataclasses
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from degrade.random import FEEDING, Stream, StreamKey  # noqa: E402
from zoo.training.tasks.embedder.augmentation import View, draw_view, view_of  # noqa: E402
from zoo.training.tasks.embedder.config import ViewConfig  # noqa: E402

PLAIN = View(
    flipped=False, turn=0.0, zoom=1.0, shift=(0.0, 0.0), contrast=1.0, brightness=0.0,
    gains=(1.0, 1.0, 1.0), grey=False, hidden=None, cover=(0.0, 0.0, 0.0),
)  # fmt: skip


def seen(face, size=None, **changes):
    return view_of(face[None], [dataclasses.replace(PLAIN, **changes)], size or face.shape[2])[0]


@pytest.fixture
def face():
    """A smooth picture without any symmetry."""
    y, x = np.mgrid[:32, :32] / 32
    planes = [np.sin(5 * x + 2 * y), np.cos(3 * y + x * x), np.sin(4 * y * x + 1)]
    return torch.from_numpy(0.5 + 0.4 * np.stack(planes)).float()


def spot(x, y, side=33):
    """A bright dot on black."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4.0).expand(3, -1, -1)


def place(image):
    rows, columns = torch.meshgrid(
        torch.arange(image.shape[1]), torch.arange(image.shape[2]), indexing="ij"
    )
    weight = image[0] / image[0].sum()
    return float((columns * weight).sum()), float((rows * weight).sum())


def test_a_plain_view_is_the_face(face):
    torch.testing.assert_close(seen(face), face, atol=1e-5, rtol=0)


def test_a_flip_is_a_mirror(face):
    torch.testing.assert_close(seen(face, flipped=True), face.flip(2), atol=1e-5, rtol=0)


def test_shifts_zooms_and_turns_go_where_they_say():
    dot = spot(20, 12)
    assert place(seen(dot, shift=(3 / 33, -2 / 33))) == pytest.approx((23, 10), abs=0.05)
    assert place(seen(dot, zoom=1.5)) == pytest.approx((16 + 4 * 1.5, 16 - 4 * 1.5), abs=0.1)
    # Right of the centre and above it; a quarter turn anticlockwise takes it left and above.
    assert place(seen(dot, turn=math.pi / 2)) == pytest.approx((12, 12), abs=0.05)
    assert place(seen(dot, flipped=True, shift=(2 / 33, 0))) == pytest.approx((14, 12), abs=0.05)


def test_colours_change_in_their_order(face):
    changed = seen(face, gains=(1.1, 0.9, 1.0), contrast=0.5, brightness=0.1)
    gains = torch.tensor([1.1, 0.9, 1.0])[:, None, None]
    torch.testing.assert_close(changed, (face * gains - 0.5) * 0.5 + 0.6, atol=1e-5, rtol=0)
    grey = seen(face, grey=True)
    luma = 0.299 * face[0] + 0.587 * face[1] + 0.114 * face[2]
    torch.testing.assert_close(grey, luma.expand(3, -1, -1), atol=1e-5, rtol=0)
    assert float(seen(face, brightness=1.0).max()) == 1.0


def test_a_cover_hides_its_rectangle_and_nothing_else(face):
    covered = seen(face, hidden=(0.25, 0.5, 0.25, 0.25), cover=(0.1, 0.2, 0.3))
    window = (slice(None), slice(8, 16), slice(16, 24))
    expected = torch.tensor([0.1, 0.2, 0.3])[:, None, None].expand(3, 8, 8)
    torch.testing.assert_close(covered[window], expected)
    covered[window] = face[window]
    torch.testing.assert_close(covered, face, atol=1e-5, rtol=0)


def test_each_face_has_its_own_view_and_comes_in_the_size_asked_for(face):
    views = [PLAIN, dataclasses.replace(PLAIN, flipped=True, grey=True)]
    both = view_of(torch.stack([face, face]), views, 16)
    assert both.shape == (2, 3, 16, 16)
    torch.testing.assert_close(both[1], seen(face, 16, flipped=True, grey=True))
    torch.testing.assert_close(both[0], seen(face, 16))


def test_the_same_stream_draws_the_same_views_within_their_bounds():
    def drawn(seed):
        stream = Stream(StreamKey(seed, 0, 0), 10, FEEDING)
        return [draw_view(ViewConfig(), stream) for _ in range(300)]

    views, limits = drawn(3), ViewConfig()
    assert views == drawn(3) and views != drawn(4)
    for view in views:
        assert abs(view.turn) <= math.radians(limits.turn)
        assert 1 / limits.zoom <= view.zoom <= limits.zoom
        assert max(map(abs, view.shift)) <= limits.shift
        assert abs(view.contrast - 1) <= limits.contrast
        if view.hidden:
            top, left, height, width = view.hidden
            assert 0 <= top <= 1 - height and 0 <= left <= 1 - width and height <= 0.5
    assert 100 < sum(view.flipped for view in views) < 200
    assert 50 < sum(view.hidden is not None for view in views) < 130


def test_no_augmentation_draws_plain_views():
    none = ViewConfig(
        flip=0, turn=0, zoom=1, shift=0, contrast=0, brightness=0, tint=0, grey=0, hidden=0
    )
    view = draw_view(none, Stream(StreamKey(1, 0, 0), 10, FEEDING))
    assert dataclasses.replace(view, cover=PLAIN.cover, shift=(0.0, 0.0)) == PLAIN
