import inspect
import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from degrade.engine.apply import apply
from degrade.ops import OPERATIONS, Boolean, Choice, Integer, Number
from degrade.ops.size.resize import FILTERS
from degrade.planner.plan import Plan, Step

SIZES = [(1, 1), (2, 3), (16, 16), (65, 33)]
RECORDED = ("moved_down", "moved_right", "removed_down", "removed_right")
PORTABLE = [name for name, operation in OPERATIONS.items() if operation.portable]


def picture(height, width):
    rng = np.random.default_rng(height * 1000 + width)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def finished(image, name, **parameters):
    step = Step(name, 0, "lq", parameters)
    return apply(Plan("", "", 7, "a.png", 0, image.shape[:2], (step,)), image)


def ends(parameter):
    if isinstance(parameter, Boolean):
        return (False, True)
    return parameter.values if isinstance(parameter, Choice) else (parameter.low, parameter.high)


def extreme_parameters(name):
    """Every combination of the ends of the ranges, less what no memory would hold.

    What a plan records beyond what it carries out stays at its default.
    """
    specs = dict(OPERATIONS[name].parameters)
    recorded = {key: specs.pop(key).default for key in RECORDED if key in specs}
    for values in itertools.product(*map(ends, specs.values())):
        parameters = dict(zip(specs, values, strict=True))
        # 65535 × 65535 pixels are 48 GiB of planes.
        if parameters.get("height", 1) * parameters.get("width", 1) <= 65535:
            yield parameters | recorded


def inside(parameters, size):
    """The nearest crop that lies in an image of that size."""
    top = min(parameters["top"], size[0] - 1)
    left = min(parameters["left"], size[1] - 1)
    height = min(parameters["height"], size[0] - top)
    return {"top": top, "left": left, "height": height, "width": size[1] - left}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("size", SIZES)
def test_the_ends_of_every_range_give_a_picture(name, size):
    image = picture(*size)
    for parameters in extreme_parameters(name):
        if name == "resize_blur" and max(parameters["height"], parameters["width"]) > 1:
            parameters |= {"height": size[0], "width": max(1, size[1] // 2)}
        if name == "crop":
            parameters = inside(parameters, size)
        result = finished(image, name, **parameters)
        resizes = OPERATIONS[name].resizes
        expected = (parameters["height"], parameters["width"]) if resizes else size
        assert result.shape == (*expected, 3), parameters
        assert result.dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gaussian_blur", {"sigma_x": 20, "sigma_y": 0, "angle": 45, "kernel_size": 0}),
        ("gaussian_blur", {"sigma_x": 0.3, "sigma_y": 25, "angle": 10, "kernel_size": 99}),
        ("motion_blur", {"length": 1000, "angle": 45}),
        ("motion_blur", {"length": 1e-9, "angle": 45}),
        ("shot_noise", {"photons": 1}),
        ("jpeg", {"quality": 50, "subsampling": "420"}),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_oblique_and_odd_parameters_give_a_picture_near_the_first(name, parameters, size):
    image = np.full((*size, 3), 128, np.uint8)
    result = finished(image, name, **parameters)
    assert result.shape == image.shape
    if name != "shot_noise":
        np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("name", PORTABLE)
def test_levels_inside_an_operation_stay_finite_and_float32(name):
    planes = picture(16, 16).transpose(2, 0, 1).astype(np.float32).copy()
    stream = np.array([1, 2, 3, 4, 5], np.uint32)
    for parameters in extreme_parameters(name):
        if max(parameters.get("height", 1), parameters.get("width", 1)) > 1000 or name == "crop":
            continue
        result = OPERATIONS[name].load()(planes, stream, **parameters)
        assert result.dtype == np.float32 and result.flags.c_contiguous
        assert np.isfinite(result).all()
        assert result.min() >= -1e-3 and result.max() <= 255.01


DIGESTS = """
import hashlib
import numpy as np
from degrade.ops import OPERATIONS

stream = np.array([1, 2, 3, 4, 5], np.uint32)
planes = (np.arange(3 * 70 * 93) * 7919 % 2560 / 10).reshape(3, 70, 93).astype(np.float32)
for name, parameters in (
    ("gaussian_noise", {"sigma": 9.3, "per_channel": True}),
    ("shot_noise", {"photons": 77.7}),
    ("impulse_noise", {"amount": 0.031, "per_channel": False}),
    ("gaussian_blur", {"sigma_x": 7.7, "sigma_y": 4.1, "angle": 31.3, "kernel_size": 0}),
    ("gaussian_blur", {"sigma_x": 2.7, "sigma_y": 2.7, "angle": 0.0, "kernel_size": 0}),
    ("motion_blur", {"length": 13.3, "angle": 77.0}),
    ("defocus_blur", {"radius": 4.4}),
    ("resize_blur", {"height": 31, "width": 47, "down": "lanczos3", "up": "cubic"}),
    ("jpeg", {"quality": 37, "subsampling": "420"}),
    ("pixelate", {"block": 5}),
    ("colour_jitter",
     {"brightness": 1.1, "contrast": 0.9, "saturation": 1.3, "hue": 0.07, "order": 13}),
    ("grey", {}),
    ("luma_noise", {"sigma": 9.3}),
    ("correlated_noise", {"sigma": 9.3, "red_green": 0.3, "red_blue": 0.8, "green_blue": -0.1}),
    ("speckle_noise", {"sigma": 0.21}),
    ("poisson_noise", {"scale": 1.3, "per_channel": True}),
    ("poisson_noise", {"scale": 1.3, "per_channel": False}),
    ("sensor_noise", {"photons": 910.0, "read_sigma": 2.3, "gain": 3.0, "linear_light": True}),
    ("glass_blur", {"sigma": 0.9, "distance": 3, "iterations": 2, "exact": True}),
    ("glass_blur", {"sigma": 0.9, "distance": 3, "iterations": 2, "exact": False}),
    ("generalised_gaussian_blur",
     {"sigma_x": 3.1, "sigma_y": 1.3, "angle": 31.3, "beta": 0.7, "kernel_size": 17}),
    ("plateau_blur",
     {"sigma_x": 3.1, "sigma_y": 1.3, "angle": 31.3, "beta": 1.7, "kernel_size": 17}),
    ("sinc_blur", {"cutoff": 1.7, "kernel_size": 19}),
    ("median_blur", {"size": 5}),
    ("average_blur", {"size": 6}),
    ("zoom_blur", {"factor": 1.16, "step": 0.01, "exact": False}),
    ("zoom_blur", {"factor": 1.16, "step": 0.01, "exact": True}),
    ("shake_blur", {"length": 21.0, "angle": 33.0, "bend": 120.0, "path": 7}),
    ("one_sided_motion_blur", {"radius": 10, "sigma": 3.0, "angle": 33.0}),
    ("aliased_disk_blur", {"radius": 5.5, "alias": 0.5}),
    ("chromatic_aberration", {"red": 1.013, "blue": 0.987}),
    ("unsharp_mask", {"radius": 15, "amount": 0.7, "threshold": 9.0}),
    ("diff_jpeg", {"quality": 43.7}),
    ("round", {}),
    ("truncate", {}),
    ("shift", {"down": 3, "right": -5}),
    ("haze", {"alpha": 0.83, "level": 240.0}),
    ("resize_linear_light", {"height": 31, "width": 47, "filter": "area", "antialias": True}),
):
    done = OPERATIONS[name].load()(planes, stream, **parameters)
    print(name, hashlib.sha256(done.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_plainest_processor_gives_the_bytes_of_this_one(tmp_path):
    """Compiled without any vector extension beyond the architecture's least."""
    printed = []
    for label, choice in (
        ("this", {}),
        ("plain", {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}),
    ):
        environment = os.environ | choice | {"NUMBA_CACHE_DIR": str(tmp_path / label)}
        run = subprocess.run(
            [sys.executable, "-c", DIGESTS], env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        printed.append(run.stdout.splitlines())
    assert len(printed[0]) == 38
    assert printed[0] == printed[1]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_table_names_exactly_what_the_code_takes(name):
    operation = OPERATIONS[name]
    assert operation.name == name and operation.version >= 1 and operation.summary
    planes, stream, *rest = inspect.signature(operation.load()).parameters.values()
    assert (planes.name, stream.name) == ("planes", "stream")
    assert {entry.name for entry in rest} == set(operation.parameters)
    assert all(entry.kind is inspect.Parameter.KEYWORD_ONLY for entry in rest)
    assert not set(operation.recipe_only) & set(operation.parameters)


@pytest.mark.parametrize("name", OPERATIONS)
def test_defaults_and_ends_are_inside_their_own_range(name):
    operation = OPERATIONS[name]
    for parameter in (*operation.parameters.values(), *operation.recipe_only.values()):
        assert all(parameter.problem(value) == "" for value in ends(parameter))
        if parameter.default is not None:
            assert parameter.problem(parameter.default) == ""


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_noisy_if_and_only_if_the_stream_changes_it(name):
    operation = OPERATIONS[name]
    values = {"height": 9, "width": 9, "sigma": 9.0, "amount": 0.3, "photons": 50.0, "alpha": 0.5}
    values |= dict.fromkeys(("cutoff", "factor", "red", "blue"), 1.05) | {"step": 0.01}
    values |= dict.fromkeys(("red_green", "red_blue", "green_blue"), 0.5)
    parameters = {}
    for key, parameter in operation.parameters.items():
        middle = parameter.default
        if middle is None:
            middle = 5 if isinstance(parameter, Integer) else 5.0
        parameters[key] = values.get(key, middle)
    planes = picture(16, 16).transpose(2, 0, 1).astype(np.float32).copy()
    first, second = (
        operation.load()(planes, np.array([seed, 0, 0, 0, 0], np.uint32), **parameters)
        for seed in (1, 2)
    )
    assert bool((first != second).any()) == operation.noisy


def test_the_filters_of_the_table_are_those_of_the_kernels():
    for name in ("resize", "resize_blur"):
        for parameter in OPERATIONS[name].parameters.values():
            if isinstance(parameter, Choice):
                assert parameter.values == FILTERS


@pytest.mark.parametrize(
    ("parameter", "value", "problem"),
    [
        (Number(0, 2, "px"), 3, "is outside 0 to 2 px"),
        (Number(0, 2, ""), -0.1, "is outside 0 to 2"),
        (Number(0, 2, "px"), math.nan, "is not a finite number from 0 to 2 px"),
        (Number(0, 2, "px"), math.inf, "is not a finite number from 0 to 2 px"),
        (Number(0, 2, "px"), True, "is not a number"),
        (Number(0, 2, "px"), "1", "is not a number"),
        (Integer(0, 2, "px"), 1.0, "is not a whole number"),
        (Integer(0, 2, "px"), False, "is not a whole number"),
        (Integer(0, 2, "px"), 3, "is outside 0 to 2 px"),
        (Choice(("a", "b")), "c", "is not one of a, b"),
        (Choice(("a", "b")), ["a"], "is not one of a, b"),
        (Boolean(), 1, "is not true or false"),
        (Number(0, 2, "px"), 2, ""),
        (Integer(0, 2, "px"), 0, ""),
        (Choice(("a", "b")), "a", ""),
        (Boolean(), False, ""),
    ],
)
def test_a_parameter_says_what_is_wrong_with_a_value(parameter, value, problem):
    assert parameter.problem(value) == problem


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        OPERATIONS["jpeg"] = OPERATIONS["grey"]
