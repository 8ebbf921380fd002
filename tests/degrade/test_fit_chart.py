from dataclasses import replace

import numpy as np
from made_up_measurements import CLEAN

from degrade.fit.noise import NoiseTrace
from degrade.fit.report import draw_fit

BLUE, ORANGE = (28, 80, 160), (214, 110, 20)


def places(image, ink):
    return np.argwhere(np.all(image == ink, axis=2))


def noisy(sigmas):
    return [replace(CLEAN, noise=NoiseTrace(s, s * s, 0.0, 0.0, 1.0)) for s in sigmas]


def test_equal_folders_lie_on_one_line_and_different_ones_do_not():
    spread = np.linspace(3, 20, 40)
    same = draw_fit(noisy(spread), noisy(spread))
    apart = draw_fit(noisy(spread), noisy(spread / 2))
    # The line of the generated images is drawn last and hides an equal one.
    below = places(same, BLUE)[:, 0] > 40
    assert below.sum() < 0.2 * (places(apart, BLUE)[:, 0] > 40).sum()


def test_there_is_a_panel_for_what_shows_and_none_for_what_does_not():
    pictures = noisy(np.linspace(3, 20, 30))
    two = draw_fit(pictures, pictures).shape
    pixelated = [replace(one, block=4) for one in pictures[:5]] + pictures[5:]
    three = draw_fit(pixelated, pictures).shape
    assert two == (290, 680, 3)
    assert three == (290, 1020, 3)


def test_a_folder_of_one_value_can_be_drawn():
    assert draw_fit([CLEAN] * 3, [CLEAN] * 3).dtype == np.uint8
