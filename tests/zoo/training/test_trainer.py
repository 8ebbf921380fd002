import copy
import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import ADVERSARIAL, one_thread, small  # noqa: E402

from zoo.networks.restoration.style import LABELS  # noqa: E402
from zoo.networks.restoration.unet import UNetConfig  # noqa: E402
from zoo.training.base.config import TrainingError  # noqa: E402
from zoo.training.data.device_batch import DeviceBatch  # noqa: E402
from zoo.training.data.packing import template_boxes  # noqa: E402
from zoo.training.tasks.restorer.trainer import RestorerTrainer  # noqa: E402
from zoo.weights.files import WeightsRefused  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def batch_of(hq, lq, mask):
    parts = torch.from_numpy(template_boxes("ffhq")).expand(len(hq), 3, 3)
    return DeviceBatch(hq, lq, mask, mask, parts)


def a_batch(faces=4):
    """Return a batch of smooth made-up faces, darker and noisy where they are degraded."""
    hq = torch.nn.functional.interpolate(torch.rand(faces, 3, 8, 8), 64, mode="bilinear")
    lq = (0.7 * hq + 0.05 * torch.rand_like(hq)).clamp(0, 1)
    mask = torch.zeros(faces, LABELS, 64, 64)
    mask[:, 1, 16:48, 16:48] = 1
    return batch_of(hq, lq, mask)


def adversarial(**changes):
    """Return a run whose discriminators learn from the first step and are heard at once."""
    return dataclasses.replace(ADVERSARIAL, **changes)


def weights_of(trainer):
    return copy.deepcopy([m.state_dict() for m in (trainer.network, trainer.average)])


def same(one, other):
    return all(
        torch.equal(value, second[name])
        for first, second in zip(one, other, strict=True)
        for name, value in first.items()
    )


def test_learning_changes_no_global_random_state():
    before = torch.get_rng_state()
    batch = batch_of(*(torch.zeros(1, n, 64, 64) for n in (3, 3, LABELS)))
    RestorerTrainer(small(adversarial=ADVERSARIAL), CPU).step(batch)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_adversarial_gradient_is_added_with_its_weight():
    trainer, batch = RestorerTrainer(small(adversarial=adversarial(weight=0.3)), CPU), a_batch()
    restored = trainer.network(batch.lq, batch.mask) + 0.1
    losses, slope = trainer._slope(restored, batch, torch.Generator())
    faces = restored.detach().requires_grad_(True)
    (others,) = torch.autograd.grad((faces - batch.hq).abs().mean(), faces)
    loss = torch.nn.functional.softplus(
        -trainer.adversarial.discriminators["face"].network(faces, batch.mask)
    ).mean()
    (slope_of_loss,) = torch.autograd.grad(loss, faces)
    torch.testing.assert_close(losses["adversarial"], loss)
    torch.testing.assert_close(slope, others + 0.3 * slope_of_loss)
    share = 0.3 * slope_of_loss.norm() / others.norm()
    torch.testing.assert_close(losses["adversarial_share"], share)


def test_balanced_at_the_last_layer_the_weight_is_a_share_of_the_others_gradient():
    config = small(adversarial=adversarial(weight=0.3, balance="last-layer"))
    trainer, batch = RestorerTrainer(config, CPU), a_batch()
    restored = trainer.network(batch.lq, batch.mask)
    _, slope = trainer._slope(restored, batch, torch.Generator())
    (others,) = torch.autograd.grad((restored - batch.hq).abs().mean(), restored, retain_graph=True)
    lengths = [
        torch.autograd.grad(restored, trainer.network.last_layer, each, retain_graph=True)[0].norm()
        for each in (slope - others, others)
    ]
    assert float(lengths[0] / lengths[1]) == pytest.approx(0.3, rel=0.02)


def test_the_discriminator_learns_alone_before_the_restorer_hears_of_it():
    settings = adversarial(start=2, alone=3, ramp=4, weight=0.4)
    trainer, batch = RestorerTrainer(small(adversarial=settings, steps=20), CPU), a_batch()
    face = trainer.adversarial.discriminators["face"].network
    before = copy.deepcopy(face.state_dict())
    learned, heard, weights = [], [], []
    for done in range(10):
        weights.append(trainer.adversarial.weight(done))
        metrics = trainer.step(batch)
        learned.append("discriminator" in metrics)
        heard.append("adversarial" in metrics)
        if done == 1:
            assert same([before], [face.state_dict()])
    assert learned == [False] * 2 + [True] * 8
    assert heard == [False] * 5 + [True] * 5
    assert weights == pytest.approx([0.0] * 5 + [0.1, 0.2, 0.3, 0.4, 0.4])
    assert not same([before], [face.state_dict()])


def test_eyes_and_mouth_have_discriminators_of_their_own():
    settings = adversarial(parts=0.5, part_size=32, feature_matching=0.1)
    trainer = RestorerTrainer(small(adversarial=settings), CPU)
    metrics = trainer.step(a_batch())
    assert {"adversarial_eyes", "adversarial_mouth", "feature_matching"} <= metrics.keys()
    assert {"accuracy", "accuracy_eyes", "accuracy_mouth"} <= metrics.keys()


def test_the_learning_rate_warms_up_stays_and_falls_to_nothing():
    trainer = RestorerTrainer(small(steps=1000, warmup=100, decay=0.4, learning_rate=0.01), CPU)
    rates = []
    for trainer.done in (0, 49, 99, 400, 600, 800, 999):
        rates.append(trainer.learning_rate)
    assert rates[:5] == pytest.approx([0.0001, 0.005, 0.01, 0.01, 0.01])
    assert rates[5] == pytest.approx(0.005)
    assert rates[6] < 1e-6


def test_the_average_follows_the_weights_with_a_short_memory_at_first():
    trainer, batch = RestorerTrainer(small(ema=0.5), CPU), a_batch()
    name = "generator.constant"
    expected = trainer.network.state_dict()[name].clone()
    for step in range(1, 4):
        trainer.step(batch)
        keep = min(0.5, step / (step + 10))
        expected = keep * expected + (1 - keep) * trainer.network.state_dict()[name]
    torch.testing.assert_close(trainer.average.state_dict()[name], expected)


def test_bfloat16_learns_nearly_what_float32_does_and_keeps_weights_in_float32():
    batch, changes = a_batch(), []
    for precision in ("float32", "bfloat16"):
        trainer = RestorerTrainer(
            small(precision=precision, adversarial=adversarial(weight=0.002)), CPU
        )
        before = torch.cat([p.detach().flatten() for p in trainer.network.parameters()])
        for _ in range(3):
            trainer.step(batch)
        after = torch.cat([p.detach().flatten() for p in trainer.network.parameters()])
        assert {p.dtype for p in trainer.network.parameters()} == {torch.float32}
        changes.append(after - before)
    assert not torch.equal(*changes)
    cosine = torch.nn.functional.cosine_similarity(*changes, dim=0)
    assert 0.9 < float(cosine) < 1


def test_consistency_draws_the_face_of_a_wrong_mask_to_the_right_ones():
    batch, apart = a_batch(), []
    wrong = dataclasses.replace(batch, mask=batch.mask.roll(20, dims=3))
    for weight in (0.0, 2.0):
        trainer = RestorerTrainer(small(consistency=weight, steps=100), CPU)
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(8)
            for parameter in trainer.network.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        told = [trainer.step(wrong) for _ in range(20)]
        assert ("consistency" in told[0]) == (weight > 0)
        with torch.no_grad():
            found, expected = (trainer.network(wrong.lq, m) for m in (wrong.mask, wrong.right))
        apart.append(float((found - expected).abs().mean()))
    assert apart[1] < 0.8 * apart[0]
    assert RestorerTrainer(small(consistency=2.0), CPU).step(batch)["consistency"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"precision": "bfloat16"},
        {"adversarial": ADVERSARIAL, "perceptual": 0.05, "stages": 2},
        {"network": UNetConfig(64, {8: 16, 16: 16, 32: 12})},
    ],
)
def test_a_state_that_is_loaded_goes_on_bit_for_bit(tmp_path, changes):
    config = small(**changes)
    batches = [a_batch() for _ in range(4)]
    whole = RestorerTrainer(config, CPU)
    for batch in batches:
        whole.step(batch)
    first = RestorerTrainer(config, CPU)
    for batch in batches[:2]:
        first.step(batch)
    first.save(tmp_path / "state.pt")
    second = RestorerTrainer(config, CPU)
    second.load(tmp_path / "state.pt")
    assert second.done == 2
    for batch in batches[2:]:
        second.step(batch)
    assert same(weights_of(second), weights_of(whole))
    if config.adversarial is not None:
        networks = [t.adversarial.discriminators["face"].network for t in (second, whole)]
        assert same([networks[0].state_dict()], [networks[1].state_dict()])


def test_another_configurations_state_is_refused_by_the_keys_that_differ(tmp_path):
    path = tmp_path / "state.pt"
    RestorerTrainer(small(), CPU).save(path)
    with pytest.raises(TrainingError, match=r"\(seed 5, now 6; steps 8, now 9\): give another"):
        RestorerTrainer(small(seed=6, steps=9), CPU).load(path)


def test_a_state_of_an_earlier_version_is_taken_up(tmp_path):
    path = tmp_path / "state.pt"
    trainer = RestorerTrainer(small(), CPU)
    trainer.step(a_batch())
    trainer.save(path)
    record = torch.load(path, weights_only=True)
    record["config"] = record["config"].replace(", 'region_style': 0.0, 'identity': None", "")
    assert "region_style" not in record["config"]
    del record["begun_from"]
    torch.save(record, path)
    later = RestorerTrainer(small(), CPU)
    later.load(path)
    assert later.done == 1
    assert same(weights_of(later), weights_of(trainer))


def test_what_is_no_state_is_one_line(tmp_path):
    path = tmp_path / "state.pt"
    torch.save({"weights": torch.zeros(1)}, path)
    with pytest.raises(TrainingError, match="no state of a training run"):
        RestorerTrainer(small(), CPU).load(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(WeightsRefused, match="damaged"):
        RestorerTrainer(small(), CPU).load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": "no record"},
        {"config": "[1]"},
        {"config": "{'name': 'tiny'}"},
        {"config": "{'stepz': 1}"},
        {"config": "(" * 500},
        {"done": None},
        {"network": None},
        {"optimiser": {}},
        {"adversarial": {"face": {}}},
    ],
)
def test_a_state_that_this_version_cannot_read_is_one_line(tmp_path, changes):
    path = tmp_path / "state.pt"
    config = small(adversarial=ADVERSARIAL)
    RestorerTrainer(config, CPU).save(path)
    torch.save(torch.load(path, weights_only=True) | changes, path)
    with pytest.raises(TrainingError, match="is damaged or of another version") as caught:
        RestorerTrainer(config, CPU).load(path)
    assert "\n" not in str(caught.value)


def test_weights_of_another_version_of_the_network_are_one_line(tmp_path):
    path = tmp_path / "state.pt"
    trainer = RestorerTrainer(small(), CPU)
    trainer.save(path)
    record = torch.load(path, weights_only=True)
    record["network"]["generator.constant"] = torch.zeros(1, 3, 8, 8)
    torch.save(record, path)
    with pytest.raises(TrainingError, match=r"differs at generator\.constant: give another --out"):
        trainer.load(path)
