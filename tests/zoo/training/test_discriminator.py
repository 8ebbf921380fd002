import copy

import pytest

torch = pytest.importorskip("torch")

from zoo.networks.stylegan.discriminator import Discriminator  # noqa: E402
from zoo.training.adversarial.discriminator import (  # noqa: E402
    DiscriminatorTrainer,
    gradient_penalty,
    lazy_adam,
)

CPU = torch.device("cpu")


def trainer(**changes):
    settings = {"learning_rate": 2e-3, "r1": 1.0, "r1_every": 16, "augment_target": 0.6}
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = Discriminator({4: 8, 8: 8, 16: 8})
    return DiscriminatorTrainer(network, CPU, **(settings | {"augment_images": 50} | changes))


def faces(seed, count=4):
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def steps(learner, count, first=0):
    generator = torch.Generator().manual_seed(9)
    return [
        learner.step(faces(done), 0.5 * faces(100 + done), None, done, generator)
        for done in range(first, first + count)
    ]


def test_bright_faces_are_told_from_dark_ones():
    metrics = steps(trainer(augment_target=0.0), 60)
    assert metrics[-1]["accuracy"] == 1
    assert metrics[-1]["real_score"] > 0 > metrics[-1]["fake_score"]
    assert metrics[-1]["discriminator"] < 0.5 * metrics[0]["discriminator"]


def test_the_penalty_comes_every_sixteenth_step_in_a_step_of_its_own():
    assert ["r1" in each for each in steps(trainer(), 18)] == [n % 16 == 0 for n in range(18)]
    with_r1, without = trainer(r1=1.0), trainer(r1=0.0)
    for learner in (with_r1, without):
        steps(learner, 1)
    optimisers = (with_r1._optimiser, without._optimiser)
    counts = [next(iter(o.state.values()))["step"].item() for o in optimisers]
    assert counts == [2, 1]


def test_the_penalty_is_that_of_faces_between_minus_one_and_one():
    learner = trainer()
    network = copy.deepcopy(learner.network)
    real = (faces(0) * 2 - 1).requires_grad_(True)
    expected = gradient_penalty(network((real + 1) / 2), real)
    torch.testing.assert_close(learner._regularise(faces(0), None), expected.detach())


def test_the_strength_rises_while_real_faces_are_told_surely_and_falls_when_not():
    learner = trainer()
    change = 4 * 4 / 50
    for sign, expected in ((1.0, change), (1.0, 2 * change), (0.2, change), (-1.0, 0), (-1.0, 0)):
        learner._signs = torch.tensor([16 * sign, 16.0])
        learner._set_strength(4)
        assert learner.strength == pytest.approx(expected, abs=1e-9)


def test_without_a_target_nothing_is_augmented():
    learner = trainer(augment_target=0.0)
    steps(learner, 8)
    assert learner.strength == 0


def test_lazy_regularisation_corrects_rate_and_betas():
    group = lazy_adam(torch.nn.Linear(1, 1), 0.002, 0.5, 16).param_groups[0]
    assert group["lr"] == pytest.approx(0.002 * 16 / 17)
    assert group["betas"] == pytest.approx((0.5 ** (16 / 17), 0.99 ** (16 / 17)))
    assert lazy_adam(torch.nn.Linear(1, 1), 0.002, 0.5).param_groups[0]["betas"] == (0.5, 0.99)


def test_scores_for_a_generator_send_no_gradient_to_the_network():
    learner, made = trainer(), faces(1).requires_grad_(True)
    augmentation = learner.augmentation(4, torch.Generator())
    scores, _ = learner.score_and_features(made, None, augmentation)
    scores.sum().backward()
    assert made.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in learner.network.parameters())


def test_a_state_that_is_loaded_goes_on_bit_for_bit():
    whole, first, second = (trainer(augment_target=0.01) for _ in range(3))
    steps(whole, 6)
    steps(first, 6)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for learner in (whole, second):
        steps(learner, 14, first=6)
    assert second.strength == whole.strength > 0
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name])
