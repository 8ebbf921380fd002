"""Every operation of the published recipes, plainly, in OpenCV, SciPy, NumPy and torchvision.

Images are float64 (height, width, 3), levels 0-255, neither rounded nor clipped but where the
published code does it. From degrade come the noise (the normals and words of a step's stream, and
the counts of Poisson steps, because both sides must have the same ones), and of the blurs that no
publication has, the shape: the centred line, the antialiased disk and the true swaps of glass.
"""

import io
import itertools

import cv2
import numpy as np
import reference_kernels as kernels
import torch
from PIL import Image
from scipy import fft, ndimage
from torchvision.transforms import functional

from degrade.ops import OPERATIONS
from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.glass import swapped_from
from degrade.ops.kernels.philox import (
    BLOCKS,
    CHUNK,
    fill_words,
)
from degrade.ops.noise.gaussian import normal_field
from degrade.random import PIXELS, StreamKey, image_id_bits


def reference_half(plan, source, half):
    """Return one half of the pair, uint8, as the plan's steps make it one after the other."""
    return to_8_bits(carried_on(plan, source, plan.steps, half))


def carried_on(plan, image, steps, half):
    """Return the image, float64, after some of the plan's steps."""
    key = StreamKey(plan.seed, image_id_bits(plan.image_id), plan.variant)
    image = image.astype(np.float64)
    for step in steps:
        if step.target in (half, "both"):
            stream = np.array(key.words(step.slot, PIXELS), np.uint32)
            image = reference_step(step, image, stream)
    return image


def reference_step(step, image, stream):
    parameters = dict(step.parameters)
    if step.operation in COUNTED:
        return counted(step.operation, image, stream, parameters)
    if step.operation in NOISY:
        return NOISY[step.operation](image, stream, **parameters)
    return PLAIN[step.operation](image, **parameters)


def to_8_bits(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def clipped(image):
    return np.clip(image, 0, 255)


# Noise --------------------------------------------------------------------------------------


def normals(shape, stream):
    """The normals of a step: channel by channel, row by row."""
    channels, height, width = shape
    field = normal_field(channels * height * width, stream).astype(np.float64)
    return field.reshape(shape).transpose(1, 2, 0)


def words_of(count, stream):
    chunks = -(-count // CHUNK)
    words = np.empty(chunks * CHUNK, np.uint32)
    for chunk in range(chunks):
        fill_words(stream, chunk * BLOCKS, words[chunk * CHUNK : (chunk + 1) * CHUNK])
    return words


def gaussian_noise(image, stream, sigma, per_channel):
    height, width, channels = image.shape
    field = normals((channels if per_channel else 1, height, width), stream)
    return clipped(image + sigma * field)


def speckle_noise(image, stream, sigma):
    height, width, channels = image.shape
    return clipped(image + image * sigma * normals((channels, height, width), stream))


def correlated_noise(image, stream, sigma, red_green, red_blue, green_blue):
    height, width, channels = image.shape
    wanted = np.array(
        [[1, red_green, red_blue], [red_green, 1, green_blue], [red_blue, green_blue, 1]]
    )
    field = normals((channels, height, width), stream)
    return clipped(image + sigma * field @ np.linalg.cholesky(wanted).T)


def impulse_noise(image, stream, amount, per_channel):
    assert per_channel
    height, width, channels = image.shape
    words = words_of(image.size, stream)[: image.size].reshape(channels, height, width)
    chance = words.transpose(1, 2, 0) / 2**32
    return np.where(chance < amount / 2, 255.0, np.where(chance < amount, 0.0, image))


def glass_blur(image, stream, sigma, distance, iterations, exact, **_):
    """make_imagenet_c.py, glass_blur, where ``exact``; else with Relume's swaps, not truncated."""
    height, width, _ = image.shape
    if not exact:
        soft = gaussian_blur(image, sigma, sigma, 0, 0).reshape(-1, 3)
        origins = swapped_from(height, width, distance, iterations, stream)
        return gaussian_blur(soft[origins].reshape(image.shape), sigma, sigma, 0, 0)
    soft = np.floor(smoothed(image, sigma))
    size = -(-height * width // CHUNK) * CHUNK
    words = words_of(size * iterations, stream).reshape(iterations, size)
    for i in range(iterations):
        right = (((words[i] & 0xFFFF) * (2 * distance)) >> 16).astype(int) - distance
        down = (((words[i] >> 16) * (2 * distance)) >> 16).astype(int) - distance
        for y in range(height - distance, distance, -1):
            for x in range(width - distance, distance, -1):
                n = y * width + x
                # The published swap of two views: the first assignment changes the second.
                soft[y, x] = soft[y + down[n], x + right[n]]
    return smoothed(soft, sigma)


def smoothed(image, sigma):
    """skimage.filters.gaussian: borders repeat, cut at 4 sigma."""
    return ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="nearest", truncate=4)


def counted(operation, image, stream, parameters):
    """Poisson steps take the engine's own counts, on this side's image."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
    done = OPERATIONS[operation].load()(planes, stream, **parameters)
    return done.transpose(1, 2, 0).astype(np.float64)


# Blur and sharpening ------------------------------------------------------------------------


def correlated(image, kernel):
    return cv2.filter2D(image, cv2.CV_64F, kernel, borderType=cv2.BORDER_REFLECT_101)


def gaussian_blur(image, sigma_x, sigma_y, angle, kernel_size):
    return correlated(image, kernels.gaussian(sigma_x, sigma_y, angle, kernel_size))


def one_sided_motion_blur(image, radius, sigma, angle, **_):
    kernel = kernels.half_line(radius, sigma, angle)
    return cv2.filter2D(image, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)


def motion_blur(image, length, angle):
    turn = np.radians(angle)
    return correlated(image, shapes.motion_line(length, np.cos(turn), np.sin(turn)))


def defocus_blur(image, radius):
    return correlated(image, shapes.disk(radius))


def average_blur(image, size):
    if size % 2:
        return cv2.blur(image, (size, size))
    # An even window, centred: the mean of the four that OpenCV could anchor.
    anchors = itertools.product((size // 2 - 1, size // 2), repeat=2)
    return np.mean([cv2.blur(image, (size, size), anchor=anchor) for anchor in anchors], axis=0)


def unsharp_mask(image, radius, amount, threshold):
    """basicsr/utils/img_process_util.py, usm_sharp, on levels."""
    size = radius | 1
    difference = image - cv2.GaussianBlur(image, (size, size), 0)
    mask = (np.abs(difference) > threshold).astype(np.float64)
    mask = cv2.GaussianBlur(mask, (size, size), 0)
    return mask * clipped(image + amount * difference) + (1 - mask) * image


def zoom_blur(image, factor, step, exact):
    """make_imagenet_c.py, zoom_blur and clipped_zoom; not exact is magnifying about the centre."""
    zooms = np.arange(1, factor, step)
    total = image.copy()
    side = len(image)
    for zoom in zooms:
        if exact:
            crop = int(np.ceil(side / zoom))
            top = (side - crop) // 2
            part = image[top : top + crop, top : top + crop]
            grown = ndimage.zoom(part, (zoom, zoom, 1), order=1)
            trim = (len(grown) - side) // 2
            total += grown[trim : trim + side, trim : trim + side]
        else:
            middle = (side - 1) / 2
            places = middle + (np.arange(side) - middle) / zoom
            y, x = np.meshgrid(places, places, indexing="ij")
            total += np.dstack(
                [ndimage.map_coordinates(image[..., c], [y, x], order=1) for c in range(3)]
            )
    return total / (len(zooms) + 1)


# Size, place, light -------------------------------------------------------------------------


def resize(image, height, width, filter, antialias):
    if image.shape[:2] == (height, width):
        return image
    if antialias or filter in ("nearest", "area"):
        return weighted(image, height, width, filter)
    code = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[filter]
    return clipped(cv2.resize(image, (width, height), interpolation=code))


def weighted(image, height, width, filter):
    """Resize by one matrix along each axis, written down from the filter's definition."""
    rows = matrix(image.shape[0], height, filter)
    columns = matrix(image.shape[1], width, filter)
    return clipped(np.einsum("yh,hwc,xw->yxc", rows, image, columns, optimize=True))


def matrix(size_in, size_out, filter):
    scale = size_in / size_out
    centre = (np.arange(size_out)[:, None] + 0.5) * scale
    pixel = np.arange(size_in)[None, :]
    if filter == "nearest":
        return (pixel == np.floor(centre)).astype(float)
    if filter == "area":
        covered = np.minimum(pixel + 1, centre + scale / 2) - np.maximum(pixel, centre - scale / 2)
        weights = np.maximum(covered, 0)
    else:
        x = np.abs(pixel + 0.5 - centre) / max(scale, 1)
        if filter == "linear":
            weights = np.maximum(1 - x, 0)
        else:  # R. Keys' cubic with OpenCV's a = -0.75
            a = -0.75
            near = (a + 2) * x**3 - (a + 3) * x**2 + 1
            far = a * (x**3 - 5 * x**2 + 8 * x - 4)
            weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


def resize_blur(image, height, width, down, up):
    small = resize(image, height, width, down, antialias=True)
    return resize(small, *image.shape[:2], up, antialias=False)


def shift(image, down, right):
    height, width = image.shape[:2]
    padded = np.pad(image, ((64, 64), (64, 64), (0, 0)), mode="symmetric")
    return padded[64 - down : 64 - down + height, 64 - right : 64 - right + width]


def haze(image, alpha, level):
    return alpha * image + (1 - alpha) * level


def grey(image):
    return np.repeat(image @ np.array([0.299, 0.587, 0.114])[:, None], 3, axis=2)


def colour_jitter(image, brightness, contrast, saturation, hue, order):
    changes = {
        "brightness": lambda x: functional.adjust_brightness(x, brightness),
        "contrast": lambda x: functional.adjust_contrast(x, contrast),
        "saturation": lambda x: functional.adjust_saturation(x, saturation),
        "hue": lambda x: functional.adjust_hue(x, hue),
    }
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)) / 255)
    for name in list(itertools.permutations(changes))[order]:
        tensor = changes[name](tensor)
    return tensor.numpy().transpose(1, 2, 0) * 255


# Codecs -------------------------------------------------------------------------------------


def jpeg(image, quality, subsampling):
    """Pillow, whose 8-bit RGB round trip is libjpeg's (ImageNet-C and PSFRGAN call it too)."""
    file = io.BytesIO()
    code = {"444": 0, "422": 1, "420": 2}[subsampling]
    Image.fromarray(to_8_bits(image)).save(file, "JPEG", quality=quality, subsampling=code)
    return np.asarray(Image.open(file)).astype(np.float64)


LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""ITU-T T.81, table K.1."""
CHROMINANCE = np.full((8, 8), 99)
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
"""ITU-T T.81, table K.2."""


def diff_jpeg(image, quality):
    """basicsr/utils/diffjpeg.py: steps not rounded and transposed, black padding, chroma mean."""
    factor = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % 16), (0, -width % 16), (0, 0)))
    to_components = np.array(
        [
            [0.299, 0.587, 0.114],
            [-0.168736, -0.331264, 0.5],
            [0.5, -0.418688, -0.081312],
        ]
    )
    y, cb, cr = (padded @ to_components.T).transpose(2, 0, 1)
    parts = [quantised(y - 128, LUMINANCE.T * factor) + 128]
    for part in (cb, cr):
        small = part.reshape(len(part) // 2, 2, -1, 2).mean((1, 3))
        done = quantised(small, CHROMINANCE.T * factor)
        parts.append(np.repeat(np.repeat(done, 2, 0), 2, 1))
    to_rgb = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])
    return clipped(np.dstack(parts) @ to_rgb.T)[:height, :width]


def quantised(plane, steps):
    blocks = plane.reshape(len(plane) // 8, 8, -1, 8).transpose(0, 2, 1, 3)
    coefficients = fft.dctn(blocks, axes=(2, 3), norm="ortho")
    rounded = np.rint(coefficients / steps) * steps
    done = fft.idctn(rounded, axes=(2, 3), norm="ortho")
    return done.transpose(0, 2, 1, 3).reshape(plane.shape)


COUNTED = ("shot_noise", "poisson_noise")
NOISY = {
    "gaussian_noise": gaussian_noise,
    "speckle_noise": speckle_noise,
    "correlated_noise": correlated_noise,
    "impulse_noise": impulse_noise,
    "glass_blur": glass_blur,
}
PLAIN = {
    "gaussian_blur": gaussian_blur,
    "generalised_gaussian_blur": lambda image, **p: correlated(
        image, kernels.generalised_gaussian(**p)
    ),
    "plateau_blur": lambda image, **p: correlated(image, kernels.plateau(**p)),
    "sinc_blur": lambda image, **p: clipped(correlated(image, kernels.sinc(**p))),
    "motion_blur": motion_blur,
    "defocus_blur": defocus_blur,
    "aliased_disk_blur": lambda image, **p: clipped(correlated(image, kernels.aliased_disk(**p))),
    "one_sided_motion_blur": one_sided_motion_blur,
    "average_blur": average_blur,
    "median_blur": lambda image, size: cv2.medianBlur(to_8_bits(image), size).astype(float),
    "zoom_blur": zoom_blur,
    "unsharp_mask": unsharp_mask,
    "resize": resize,
    "resize_blur": resize_blur,
    "shift": shift,
    "haze": haze,
    "grey": grey,
    "colour_shift": lambda image, red, green, blue: clipped(image + np.array([red, green, blue])),
    "colour_jitter": colour_jitter,
    "jpeg": jpeg,
    "diff_jpeg": diff_jpeg,
    "round": lambda image: np.clip(np.rint(image), 0, 255),
    "truncate": lambda image: np.floor(clipped(image)),
}
