from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from zoo.networks.faces.dlib_descriptor import load_dlib_descriptor
from zoo.networks.faces.dlib_models import face_chip, load_dlib_models, principal


@pytest.fixture(scope="module")
def descriptor():
    return load_dlib_descriptor()


@pytest.fixture(scope="module")
def models():
    return load_dlib_models()


@pytest.mark.parametrize("kind", ["face", "noise", "flat", "upside down"])
def test_it_gives_dlibs_own_numbers(descriptor, models, kind):
    photograph = data.astronaut()
    if kind == "noise":
        photograph = np.random.Generator(np.random.Philox(1)).integers(
            0, 256, (512, 512, 3), np.uint8
        )
    if kind == "flat":
        photograph = np.full((512, 512, 3), 77, np.uint8)
    face = principal(models.detect(data.astronaut()))
    if kind == "upside down":
        photograph = photograph[::-1]
    expected = models.describe(photograph, face)
    found = descriptor.describe(face_chip(photograph, face))
    assert found.shape == (128,)
    assert np.abs(expected).max() > 0.1
    assert np.abs(found - expected).max() < 2e-6


def test_torchs_settings_stay_as_they_were(descriptor):
    before = torch.get_num_threads(), torch.is_grad_enabled()
    descriptor.describe(np.zeros((150, 150, 3), np.uint8))
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before
