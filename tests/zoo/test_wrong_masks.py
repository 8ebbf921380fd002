"""A mask predicted from the degraded face needs 68 landmarks, and consent to their licence."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("dlib")

from zoo.licences import ConsentError, accept_licence, agreements
from zoo.training.wrong_masks import predicted_mask

LQ = np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8)


def test_a_mask_predicted_from_a_sharp_face_covers_the_face(tmp_path, monkeypatch) -> None:
    from degrade.sources import open_source
    from zoo.portrait.alignment import align
    from zoo.portrait.detection import load_detector
    from zoo.portrait.warping import extract

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    accept_licence("ibug-68")
    source = open_source("sample-photos")
    photo = source.read(next(key for key in source.keys if "astronaut" in key))
    face = load_detector().detect(photo)[0]
    crop = extract(photo, align(face.landmarks, face.scheme, 128, "tight"))
    mask = predicted_mask(np.clip(np.rint(crop), 0, 255).astype(np.uint8), "tight")
    assert 0.3 < mask.sum(axis=0).mean() < 0.9
    assert all(mask[label].any() for label in (1, 2, 4, 5, 11, 12))
    # An agreement that was taken back counts no more, though the model is loaded by now.
    agreements().unlink()
    with pytest.raises(ConsentError, match="--accept-licence ibug-68"):
        predicted_mask(LQ, "tight")
