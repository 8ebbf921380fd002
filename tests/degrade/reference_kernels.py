"""Blur kernels as the published codes build them, dense, in NumPy and SciPy, float64.

Written from the formulas; nothing here comes from degrade.
"""

import cv2
import numpy as np
from scipy import special


def _squared_distance(radius, sigma_x, sigma_y, angle):
    """Squared distance in sigmas; the angle is counter-clockwise from the horizontal."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)
    turn = np.radians(angle)
    along = x * np.cos(turn) - y * np.sin(turn)
    across = x * np.sin(turn) + y * np.cos(turn)
    return (along / sigma_x) ** 2 + (across / sigma_y) ** 2


def _normalised(kernel):
    return kernel / kernel.sum()


def gaussian(sigma_x, sigma_y, angle, kernel_size):
    """basicsr/data/degradations.py, bivariate_Gaussian; size 0 is Relume's, 3.5 sigma."""
    sigma_x, sigma_y = max(sigma_x, 0.05), max(sigma_y, 0.05)
    radius = kernel_size // 2 if kernel_size else max(1, int(np.ceil(3.5 * max(sigma_x, sigma_y))))
    return _normalised(np.exp(-0.5 * _squared_distance(radius, sigma_x, sigma_y, angle)))


def generalised_gaussian(sigma_x, sigma_y, angle, beta, kernel_size):
    """basicsr/data/degradations.py, bivariate_generalized_Gaussian."""
    distance = _squared_distance(kernel_size // 2, sigma_x, sigma_y, angle)
    return _normalised(np.exp(-0.5 * distance**beta))


def plateau(sigma_x, sigma_y, angle, beta, kernel_size):
    """basicsr/data/degradations.py, bivariate_plateau."""
    distance = _squared_distance(kernel_size // 2, sigma_x, sigma_y, angle)
    return _normalised(1 / (1 + distance**beta))


def sinc(cutoff, kernel_size):
    """basicsr/data/degradations.py, circular_lowpass_kernel."""
    radius = kernel_size // 2
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    away = np.hypot(x, y)
    away[radius, radius] = 1
    kernel = cutoff * special.j1(cutoff * away) / (2 * np.pi * away)
    kernel[radius, radius] = cutoff**2 / (4 * np.pi)
    return _normalised(kernel)


def aliased_disk(radius, alias):
    """make_imagenet_c.py:153-165, disk."""
    reach, size = (8, 3) if radius <= 8 else (int(radius), 5)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = (x**2 + y**2 <= radius**2).astype(np.float32)
    return cv2.GaussianBlur(inside / inside.sum(), (size, size), sigmaX=alias).astype(float)


def half_line(radius, sigma, angle):
    """ImageMagick's motion blur as imagecorruptions rebuilds it: half a Gaussian outwards."""
    count = 2 * int(radius) + 1
    weights = _normalised(np.exp(-(np.arange(count) ** 2) / (2 * sigma**2)))
    kernel = np.zeros((2 * count + 1, 2 * count + 1))
    turn = np.radians(angle)
    for i, weight in enumerate(weights):
        down = int(np.ceil(-i * np.sin(turn) - 0.5))
        right = int(np.ceil(i * np.cos(turn) - 0.5))
        kernel[count + down, count + right] += weight
    return kernel
