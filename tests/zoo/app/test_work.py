import numpy as np
import PIL.Image
import pytest
import skimage.data

from degrade.errors import ImageError, UserError
from zoo.app import work
from zoo.app.work import models, restore_upload
from zoo.portrait.files.photo import read_photo


@pytest.fixture
def astronaut(tmp_path):
    path = tmp_path / "astronaut.jpg"
    PIL.Image.fromarray(skimage.data.astronaut()[:300, 100:400]).save(path, quality=30)
    return path


def restore(upload, tmp_path, **options):
    options = {"model": "style-128", "strength": 1.0, "background": "none"} | options
    return restore_upload(upload, tmp_path, **options)


def test_an_upload_becomes_a_file_of_its_name_and_format_and_a_view_of_each_face(
    astronaut, tmp_path
):
    steps = []
    result = restore(astronaut, tmp_path, on_step=steps.append)
    assert result.path.name == "astronaut-restored.jpg"
    photo, _ = read_photo(result.path, "restored")
    assert photo.format == "JPEG" and photo.pixels.shape == (300, 300, 3)
    assert result.before.shape == result.after.shape == (300, 300, 3)
    assert np.any(result.before != result.after)
    assert result.summary == "1 face restored with style-128"
    assert len(result.faces) == 1 and result.faces[0].image.shape == (256, 512, 3)
    assert result.faces[0].caption.startswith("face 1: restored with style-128 in a crop of 128")
    assert steps[0] == "reading the photo" and steps[-1] == "face 1 restored"


def test_an_enlarged_upload_is_compared_at_its_new_size(astronaut, tmp_path):
    result = restore(astronaut, tmp_path, upscale=2)
    assert result.before.shape == result.after.shape == (600, 600, 3)
    assert result.faces[0].image.shape == (256, 512, 3)


def test_a_photo_without_a_face_says_so(tmp_path):
    path = tmp_path / "noise.png"
    noise = np.random.default_rng(1).integers(0, 256, (90, 70, 3), np.uint8)
    PIL.Image.fromarray(noise).save(path)
    result = restore(path, tmp_path)
    assert result.summary == "no face found: copied as it was" and result.faces == ()
    assert np.array_equal(result.after, noise)


def test_the_result_has_the_ending_of_what_the_upload_really_is(astronaut, tmp_path):
    disguised = astronaut.rename(tmp_path / "astronaut.png")
    assert restore(disguised, tmp_path).path.name == "astronaut-restored.jpg"


def test_what_is_no_photo_or_too_large_is_one_line(astronaut, tmp_path, monkeypatch):
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    with pytest.raises(ImageError, match=r"text\.jpg .*convert it"):
        restore(text, tmp_path)
    monkeypatch.setattr(work, "MOST_PIXELS", 89_999)
    with pytest.raises(ImageError, match=r"astronaut\.jpg would have .* megapixels.*zoo restore"):
        restore(astronaut, tmp_path)
    monkeypatch.setattr(work, "MOST_BYTES", 100)
    with pytest.raises(ImageError, match=r"astronaut\.jpg has more than .* MB.*zoo restore"):
        restore(astronaut, tmp_path)


def test_a_model_that_is_not_known_is_one_line(astronaut, tmp_path):
    with pytest.raises(UserError, match="unheard-of"):
        restore(astronaut, tmp_path, model="unheard-of")


def test_the_default_is_the_first_of_the_models_and_none_is_an_oracle():
    assert models()[0] == "auto" and "style-128" in models()
    assert "wiener" not in models() and "input" not in models()
