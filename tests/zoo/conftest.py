"""Photographs and degradations that the tests of the zoo share."""

import numpy as np
import pytest
from skimage import data


@pytest.fixture(scope="session")
def photographs():
    """Four colour photographs that scikit-image ships, cut to 256 × 256 or a little more."""
    return {
        "astronaut": data.astronaut()[:256, 100:356].copy(),
        "chelsea": data.chelsea()[:256, 80:336].copy(),
        "coffee": data.coffee()[60:316, 150:406].copy(),
        "rocket": data.rocket()[100:356, 200:456].copy(),
    }


@pytest.fixture(scope="session")
def psnr():
    """Peak signal-to-noise ratio in dB of two uint8 images, over all channels at once."""

    def measure(first, second):
        error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
        return np.inf if error == 0 else 10 * np.log10(255**2 / error)

    return measure


@pytest.fixture(scope="session")
def add_noise():
    """White Gaussian noise of ``sigma`` levels, rounded and clipped."""

    def add(image, sigma, seed=7):
        noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
        return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)

    return add


@pytest.fixture(scope="session")
def compress():
    """JPEG there and back by Pillow, which none of the restorers uses."""
    import io

    import PIL.Image

    def there_and_back(image, quality, subsampling="4:2:0"):
        stream = io.BytesIO()
        PIL.Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling=subsampling)
        with PIL.Image.open(stream) as picture:
            return np.array(picture)

    return there_and_back


@pytest.fixture(scope="session")
def make_plan():
    """Return a plan of ``(operation, parameters)`` steps for an image of ``size``."""
    from degrade.planner.plan import Plan, Step

    def make(size, *steps, target="lq"):
        chain = tuple(Step(name, slot, target, values) for slot, (name, values) in enumerate(steps))
        return Plan("test", "0" * 64, 7, "a.png", 0, tuple(size), chain)

    return make
