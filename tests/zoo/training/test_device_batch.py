"""What workers send becomes float images and one-hot masks, mirrored and wrong as drawn."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import small, striped  # noqa: E402

from zoo.labels import LABELS  # noqa: E402
from zoo.labels import one_hot as reference_one_hot  # noqa: E402
from zoo.mean_mask import template_mask  # noqa: E402
from zoo.networks.restoration.style import StyleConfig  # noqa: E402
from zoo.networks.restoration.unet import UNetConfig  # noqa: E402
from zoo.training.data.batches import FaceBatch  # noqa: E402
from zoo.training.data.device_batch import DeviceBatches, flip_boxes, one_hot  # noqa: E402

CPU = torch.device("cpu")


def a_batch(count=8, step=3, flips=None):
    """Return a batch of random images with striped label maps."""
    draw = np.random.default_rng(step)
    hq, lq = (
        torch.from_numpy(draw.integers(0, 256, (count, 64, 64, 3), np.uint8)) for _ in range(2)
    )
    labels = torch.from_numpy(np.stack([striped(index) for index in range(count)]))
    parts = torch.from_numpy(draw.uniform(0.2, 0.8, (count, 3, 3)).astype(np.float32))
    flips = torch.arange(count) % 2 == 1 if flips is None else flips
    others = labels.roll(-1, dims=0)
    return FaceBatch(step, range(count), hq, lq, labels, others, parts, flips, ("",) * count)


def own_masks(**changes):
    return small(**{"no_mask": 0, "template_mask": 0, "batch_size": 8} | changes)


def test_images_and_masks_are_those_of_numpy():
    batch = a_batch()
    made = DeviceBatches(own_masks(), "tight", CPU)(batch)
    order = [0, 1, 2, 3, 5, 4, 7, 6, 9, 8, *range(10, 19)]
    for face in range(8):
        turned = slice(None, None, -1) if face % 2 else slice(None)
        for name in ("hq", "lq"):
            levels = getattr(batch, name)[face].numpy()[:, turned].transpose(2, 0, 1)
            wanted = levels.astype(np.float32) / 255
            np.testing.assert_array_equal(getattr(made, name)[face].numpy(), wanted)
        mask = reference_one_hot(batch.labels[face].numpy())
        if face % 2:
            mask = mask[order][:, :, ::-1]
        assert np.array_equal(made.mask[face].numpy(), mask)
    assert torch.equal(made.mask, made.right)
    for tensor in (made.hq, made.lq, made.mask):
        assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_what_is_not_known_is_nothing_in_every_channel():
    labels = torch.from_numpy(striped(0))[None]
    masks = one_hot(labels)
    assert not masks[0, :, :8, :8].any()
    assert torch.equal(masks.sum(dim=1) == 1, labels != 255)


def test_a_mirrored_face_has_its_left_eye_where_the_right_one_was():
    parts = torch.tensor([[[0.3, 0.4, 0.1], [0.6, 0.5, 0.2], [0.5, 0.7, 0.3]]]).repeat(2, 1, 1)
    kept, mirrored = flip_boxes(parts, torch.tensor([1]))
    assert torch.equal(kept, parts[0])
    wanted = torch.tensor([[0.4, 0.5, 0.2], [0.7, 0.4, 0.1], [0.5, 0.7, 0.3]])
    torch.testing.assert_close(mirrored, wanted)


def test_faces_come_with_their_mask_the_mean_one_or_none():
    to_device = DeviceBatches(small(no_mask=0.5, template_mask=0.25, batch_size=8), "ffhq", CPU)
    mean = torch.from_numpy(template_mask("ffhq", 32))
    nothing = means = 0
    flips = torch.zeros(8, dtype=torch.bool)
    for step in range(60):
        batch = a_batch(step=step, flips=flips)
        for mask, labels in zip(to_device(batch).mask, batch.labels, strict=True):
            if not mask.any():
                nothing += 1
            elif torch.equal(mask, mean):
                means += 1
            else:
                assert np.array_equal(mask.numpy(), reference_one_hot(labels.numpy()))
    assert 200 < nothing < 280
    assert 90 < means < 150


def test_a_mirrored_mean_mask_is_the_mean_mask_mirrored():
    to_device = DeviceBatches(small(no_mask=0, template_mask=1, batch_size=8), "tight", CPU)
    made = to_device(a_batch())
    order = [0, 1, 2, 3, 5, 4, 7, 6, 9, 8, *range(10, 19)]
    assert torch.equal(made.mask[1], made.mask[0][order].flip(2))


def test_wrong_masks_are_drawn_by_the_step_alone_and_right_ones_stay_right():
    config = own_masks(mask_errors=0.6)
    batch = a_batch()
    one, two = (DeviceBatches(config, "tight", CPU)(batch) for _ in range(2))
    assert torch.equal(one.mask, two.mask)
    right = DeviceBatches(own_masks(), "tight", CPU)(batch)
    assert torch.equal(one.right, right.mask)
    later = DeviceBatches(config, "tight", CPU)(dataclasses.replace(batch, step=4))
    assert not torch.equal(one.mask, later.mask)
    changed = 0
    for step in range(40):
        made = DeviceBatches(config, "tight", CPU)(dataclasses.replace(batch, step=step))
        changed += int((made.mask != made.right).flatten(1).any(dim=1).sum())
    # Now and then an error changes nothing, such as a shift by less than half a pixel.
    assert 0.5 < changed / 320 < 0.65


@pytest.mark.parametrize("changes", [{}, {"mask_errors": 0.8}])
def test_the_parts_of_a_batch_put_together_are_the_batch(changes):
    to_device = DeviceBatches(small(batch_size=8, **changes), "tight", CPU)
    batch = a_batch()
    whole = to_device(batch)
    parts = []
    for places in (range(4), range(4, 8)):
        part = batch.mapped(lambda tensor, p=places: tensor[p.start : p.stop])
        flips = batch.flips[places.start : places.stop]
        parts.append(to_device(dataclasses.replace(part, positions=places, flips=flips)))
    for name in ("hq", "lq", "mask", "right", "parts"):
        joined = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(joined, getattr(whole, name)), name


def test_a_network_that_folds_no_pixels_gets_masks_of_its_faces_side():
    network = StyleConfig(64, {16: 8, 32: 8, 64: 8}, patch=1)
    made = DeviceBatches(own_masks(network=network, template_mask=0.5), "tight", CPU)(a_batch())
    folded = DeviceBatches(own_masks(template_mask=0), "tight", CPU)(a_batch())
    assert made.mask.shape == (8, 19, 64, 64)
    own = [face for face in range(8) if set(made.mask[face].unique().tolist()) <= {0.0, 1.0}]
    assert 0 < len(own) < 8
    for face in own:
        assert torch.equal(made.mask[face, :, ::2, 1::2], folded.mask[face])


def test_faces_without_label_maps_have_no_masks_and_no_wrong_ones():
    config = own_masks(mask_errors=1.0, template_mask=0.5)
    made = DeviceBatches(config, "tight", CPU, masked=False)(a_batch())
    assert made.mask.shape == (8, len(LABELS), 32, 32)
    assert not made.mask.any()
    unet = own_masks(network=UNetConfig(64, {8: 16, 16: 16, 32: 12}))
    assert not DeviceBatches(unet, "tight", CPU)(a_batch()).mask.any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_masks_and_images():
    config = small(batch_size=8, mask_errors=0.8)
    for step in range(20):
        batch = a_batch(step=step)
        here = DeviceBatches(config, "tight", CPU)(batch)
        there = DeviceBatches(config, "tight", torch.device("cuda"))(batch.pin_memory())
        for name in ("mask", "right", "parts"):
            assert torch.equal(getattr(here, name), getattr(there, name).cpu()), name
        torch.testing.assert_close(here.lq, there.lq.cpu(), rtol=0, atol=1e-6)
