import cartoon_face
import numpy as np
import pytest

from zoo.labels import LABELS, label_index
from zoo.portrait.files.compare import COLOURS, overlay
from zoo.portrait.parse.parsing import FaceMask


def mask_of(labels):
    one_hot = np.stack([(labels == label).astype(np.float32) for label in range(19)])
    return FaceMask(one_hot, 0.5, "template")


def test_nineteen_colours_that_an_eye_can_tell_apart():
    from skimage.color import rgb2lab

    assert len(COLOURS) == len(LABELS)
    lab = rgb2lab(np.array(COLOURS, np.uint8)[None])[0]
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    assert apart[~np.eye(19, dtype=bool)].min() > 15


@pytest.mark.parametrize("size", [64, 100, 384, 512])
def test_it_shows_the_crop_the_mask_and_a_legend(size):
    crop = cartoon_face.picture(size)
    shown = overlay(crop, mask_of(cartoon_face.regions(size)))
    side = shown.shape[0]
    assert shown.dtype == np.uint8
    assert side >= 384
    assert side % size == 0
    assert shown.shape[1] > 2 * side
    assert np.array_equal(shown[:: side // size, : side : side // size], crop)


def test_a_pixel_is_half_its_regions_colour():
    labels = np.full((384, 384), label_index("hair"))
    shown = overlay(np.full((384, 384, 3), 100, np.uint8), mask_of(labels))
    expected = (np.array(COLOURS[label_index("hair")]) + 100) / 2
    assert np.abs(shown[200, 384 + 200] - expected).max() <= 1


def test_the_legend_names_what_is_there_and_nothing_else():
    labels = np.full((384, 384), label_index("hair"))
    labels[:100] = label_index("cloth")
    shown = overlay(np.zeros((384, 384, 3), np.uint8), mask_of(labels))
    panel = shown[:, 2 * 384 :].reshape(-1, 3)
    swatches = {LABELS[i] for i in range(19) if (panel == COLOURS[i]).all(axis=1).sum() >= 100}
    assert swatches == {"hair", "cloth"} | {"mouth"} & swatches  # white is also the text's colour
