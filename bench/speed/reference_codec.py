"""JPEG and pixelation by OpenCV and Pillow; uint8 (height, width, 3) in and out."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image as Pillow

from bench.speed.case import Image

__all__ = ["downscale", "jpeg_cv2", "jpeg_pillow", "pixelate_pillow"]


def jpeg_cv2(image: Image, *, quality: int) -> Image:
    """Return ``cv2.imdecode(cv2.imencode)``: libjpeg-turbo, 4:2:0; channels as they come."""
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)


def jpeg_pillow(image: Image, *, quality: int) -> Image:
    """Return Pillow's encode + decode, as ImageNet-C does it."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file))


def downscale(image: Image, *, divisor: int) -> Image:
    """Return block means by ``cv2.resize``: area down, nearest up (AlbumentationsX Downscale)."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // divisor, height // divisor), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, np.uint8)


def pixelate_pillow(image: Image, *, factor: float) -> Image:
    """Return Pillow's box shrink by ``factor`` and nearest enlargement (imagecorruptions)."""
    height, width = image.shape[:2]
    size = int(width * factor), int(height * factor)
    small = Pillow.fromarray(image).resize(size, Pillow.Resampling.BOX)
    return np.asarray(small.resize((width, height), Pillow.Resampling.NEAREST))
