import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import ADVERSARIAL, one_thread, small  # noqa: E402

from zoo.networks.restoration.style import LABELS  # noqa: E402
from zoo.networks.restoration.unet import UNetConfig  # noqa: E402
from zoo.training.adversarial.loss import crop_parts  # noqa: E402
from zoo.training.data.device_batch import DeviceBatch  # noqa: E402
from zoo.training.data.packing import template_boxes  # noqa: E402
from zoo.training.tasks.restorer.trainer import RestorerTrainer  # noqa: E402
from zoo.training.tasks.restorer.validation import paired_kernel_distance  # noqa: E402

CPU = torch.device("cpu")
SIDE = 16


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def checkers(count, seed):
    """Return textures of checks of two pixels, and their colour alone: the phase is lost."""
    generator = torch.Generator().manual_seed(seed)
    phase = torch.randint(0, 4, (count, 2), generator=generator)
    rows, columns = (
        (torch.arange(SIDE)[None] + phase[:, axis : axis + 1]) // 2 % 2 for axis in (0, 1)
    )
    checks = (rows[:, :, None] ^ columns[:, None]).float()[:, None]
    colour = torch.rand(count, 3, 1, 1, generator=generator) * 0.4 + 0.3
    hq = colour + 0.25 * (checks - 0.5)
    lq = colour + 0.02 * torch.randn(hq.shape, generator=generator)
    mask = torch.zeros(count, LABELS, SIDE, SIDE)
    return DeviceBatch(hq, lq, mask, mask, torch.zeros(count, 3, 3))


def texture(images):
    """Return how much neighbours at three distances differ: ``(n, 18)``."""
    differences = [
        (images - images.roll(lag, axis)).abs().mean(dim=(2, 3))
        for lag in (1, 2, 3)
        for axis in (2, 3)
    ]
    return 10 * torch.cat(differences, dim=1).double().numpy()


def kernel_distance_after(steps, weight):
    settings = dataclasses.replace(
        ADVERSARIAL, channels={4: 16, 8: 16}, weight=weight, r1=0.1, alone=20, ramp=30
    )
    config = small(
        network=UNetConfig(SIDE, {4: 16, 8: 16}),
        steps=steps,
        batch_size=8,
        warmup=10,
        decay=0.2,
        ema=0.9,
        beta1=0.5,
        adversarial=settings,
    )
    trainer = RestorerTrainer(config, CPU)
    for step in range(steps):
        trainer.step(checkers(8, step))
    test = checkers(64, 10**6)
    with torch.no_grad():
        restored = trainer.average(test.lq).clamp(0, 1)
    return paired_kernel_distance(texture(restored), texture(test.hq))


def test_textures_come_back_with_the_discriminator_and_not_without_it():
    """The pixel loss alone makes the grey between two phases; the discriminator wants checks."""
    test = checkers(64, 10**6)
    degraded = paired_kernel_distance(texture(test.lq), texture(test.hq))
    assert kernel_distance_after(300, weight=0.02) < 0.6 * degraded
    # The discriminator learns as before, but nobody hears of it.
    assert kernel_distance_after(300, weight=0.0) > 0.9 * degraded


def test_parts_are_cut_where_their_boxes_are_and_the_right_eye_is_mirrored():
    faces = torch.rand(2, 3, 64, 64)
    boxes = torch.tensor([[16.0, 24.0, 8.0], [48.0, 24.0, 8.0], [32.0, 44.0, 8.0]]) / 64
    crops = crop_parts(faces, boxes.expand(2, 3, 3), 16)
    torch.testing.assert_close(crops["eyes"][:2], faces[:, :, 16:32, 8:24])
    torch.testing.assert_close(crops["eyes"][2:], faces[:, :, 16:32, 40:56].flip(3))
    torch.testing.assert_close(crops["mouth"], faces[:, :, 36:52, 24:40])


def test_gradients_reach_the_faces_through_their_parts():
    faces = torch.rand(1, 3, 64, 64, requires_grad=True)
    parts = torch.from_numpy(template_boxes("ffhq"))[None]
    crop_parts(faces, parts, 32)["mouth"].sum().backward()
    touched = faces.grad.abs().sum(dim=(0, 1)) > 0
    rows, columns = (touched.any(dim=axis).nonzero()[:, 0] for axis in (1, 0))
    centre = torch.stack([columns.float().mean(), rows.float().mean()]) + 0.5
    torch.testing.assert_close(centre / 64, parts[0, 2, :2], atol=0.02, rtol=0)
