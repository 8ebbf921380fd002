import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from degrade.errors import ImageError
from zoo.portrait.align.alignment import align
from zoo.portrait.face import SCHEMES
from zoo.templates import TEMPLATES, TIGHT_CENTRE, TIGHT_ZOOM, template_points


def a_face(scheme="dlib5", seed=3, wobble=4.0):
    """Landmarks of a face that is no copy of the template, somewhere in a photo, tilted."""
    rng = np.random.default_rng(seed)
    points = template_points("ffhq", scheme, 512) + rng.normal(0, wobble, (5, 2))
    turn = np.array([[0.94, -0.34], [0.34, 0.94]])
    return points @ turn.T * 0.7 + (140.0, 60.0)


def moved(alignment, points):
    return points @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_the_fit_is_scikit_images_umeyama(scheme, template):
    points = a_face(scheme)
    expected = SimilarityTransform.from_estimate(points, template_points(template, scheme, 256))
    alignment = align(points, scheme, 256, template)
    np.testing.assert_allclose(alignment.matrix, expected.params[:2], rtol=1e-9, atol=1e-9)
    apart = moved(alignment, points) - template_points(template, scheme, 256)
    assert alignment.residual == pytest.approx(np.sqrt(np.mean(np.sum(apart**2, axis=1))))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_face_that_lies_like_the_template_stays_where_it_is(scheme):
    alignment = align(template_points("ffhq", scheme, 512), scheme, 512)
    np.testing.assert_allclose(alignment.matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    assert alignment.residual == pytest.approx(0, abs=1e-9)
    assert alignment.scale == pytest.approx(1) and alignment.angle == pytest.approx(0)


@pytest.mark.parametrize("size", [64, 128, 256, 1024])
def test_crops_of_any_size_show_the_same_part_of_the_photo(size):
    # facexlib adds half a pixel times the scale and forgets the half of the target: with it the
    # outer corners of crops of two sizes would lie in different places of the photo.
    points = a_face()
    corners = []
    for side in (512, size):
        matrix = align(points, "dlib5", side).matrix
        outer = np.array([(-0.5, -0.5), (side - 0.5, side - 0.5)])
        corners.append((outer - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T)
    np.testing.assert_allclose(corners[0], corners[1], atol=1e-9)


def test_the_published_numbers_are_those_of_the_sizes_they_were_published_for():
    eyes = template_points("ffhq", "eyes-nose-mouth", 512)
    np.testing.assert_allclose(eyes[0], (192.98138, 239.94708), atol=1e-9)
    corners = template_points("ffhq", "dlib5", 1024)
    np.testing.assert_allclose(corners[4], (513.58, 678.50), atol=1e-9)


def test_both_schemes_put_the_eyes_of_one_face_in_the_same_place():
    corners = template_points("ffhq", "dlib5", 512)
    centres = np.array([(corners[2] + corners[3]) / 2, (corners[0] + corners[1]) / 2])
    np.testing.assert_allclose(centres, template_points("ffhq", "eyes-nose-mouth", 512)[:2], atol=6)


def test_the_tight_crop_is_a_part_of_the_ffhq_crop_of_the_same_face():
    points, size = a_face(), 128
    ffhq, tight = align(points, "dlib5", size), align(points, "dlib5", size, "tight")
    assert tight.scale / ffhq.scale == pytest.approx(TIGHT_ZOOM)
    assert tight.angle == pytest.approx(ffhq.angle)
    middle = np.array([TIGHT_CENTRE]) * size - 0.5
    in_photo = (middle - ffhq.matrix[:, 2]) @ np.linalg.inv(ffhq.matrix[:, :2]).T
    np.testing.assert_allclose(moved(tight, in_photo), [[63.5, 63.5]], atol=1e-9)
    eyes = template_points("tight", "eyes-nose-mouth", size)[:2]
    assert 48 < np.hypot(*(eyes[1] - eyes[0])) < 52  # of 128: the numbers the docstring gives


@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.05, 20),
    right=st.floats(-1e4, 1e4),
    down=st.floats(-1e4, 1e4),
)
def test_angle_and_scale_follow_the_face_wherever_it_is(angle, scale, right, down):
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    face = template_points("ffhq", "dlib5", 512)
    alignment = align(face @ rotation.T * scale + (right, down), "dlib5", 512)
    assert alignment.scale == pytest.approx(1 / scale)
    difference = (alignment.angle + angle + 180) % 360 - 180
    assert difference == pytest.approx(0, abs=1e-6)
    assert alignment.residual < 1e-5
    assert np.linalg.det(alignment.matrix[:, :2]) > 0


def test_a_mirrored_face_is_never_mirrored_back_and_fits_badly():
    points = a_face(wobble=0)
    mirrored = points * (-1, 1)
    alignment = align(mirrored, "dlib5", 512)
    assert np.linalg.det(alignment.matrix[:, :2]) > 0
    assert alignment.residual > 0.1 * 512


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (np.full((5, 2), 7.0), "in one place"),
        (np.outer(np.arange(5.0), (3.0, 2.0)), "on one line"),
        (np.outer(np.arange(5.0), (3.0, 2.0)) + np.eye(5, 2) * 0.01, "on one line"),
        (np.full((5, 2), np.nan), "not finite"),
        (np.where(np.eye(5, 2), np.inf, a_face()), "not finite"),
    ],
)
def test_landmarks_that_are_no_face_give_a_reason_not_a_crash(points, reason):
    # facexlib takes estimateAffinePartial2D's None for a matrix and dies.
    with pytest.raises(ImageError, match=reason):
        align(points, "dlib5", 512)


def test_the_same_face_aligned_twice_is_aligned_the_same_and_left_untouched():
    # facexlib edits its matrix in place, so that a second paste moves by half a pixel again.
    points = a_face()
    before = points.copy()
    first, second = align(points, "dlib5", 512), align(points, "dlib5", 512)
    np.testing.assert_array_equal(first.matrix, second.matrix)
    np.testing.assert_array_equal(points, before)


def test_a_template_of_another_name_is_refused_and_wrong_shapes_are_bugs():
    with pytest.raises(ImageError, match="ffhq or tight"):
        align(a_face(), "dlib5", 128, "loose")
    with pytest.raises(ValueError, match=r"\(5, 2\)"):
        align(a_face()[:4], "dlib5", 128)
    with pytest.raises(ValueError, match="1 pixel"):
        align(a_face(), "dlib5", 0)
