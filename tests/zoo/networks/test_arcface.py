import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from zoo.networks.faces.arcface import (  # noqa: E402
    AngularMargin,
    angular_margin_logits,
    paired_margin_loss,
)


def transcribed(cosines, labels, margin, scale):
    """The rule in numpy, one number at a time, by the angle itself."""
    logits = scale * cosines
    for row, own in enumerate(labels):
        theta = math.acos(cosines[row, own])
        if theta < math.pi - margin:
            logits[row, own] = scale * math.cos(theta + margin)
        else:
            logits[row, own] = scale * (math.cos(theta) - margin * math.sin(margin))
    return logits


def on_the_sphere(rows, features, seed=0):
    drawn = torch.randn(rows, features, generator=torch.Generator().manual_seed(seed)).double()
    return functional.normalize(drawn, dim=1)


@pytest.mark.parametrize(("margin", "scale"), [(0.5, 64), (0.3, 30), (1.2, 8), (0.0, 1)])
def test_logits_equal_a_plain_transcription_of_the_rule(margin, scale):
    rng = np.random.default_rng(1)
    cosines, labels = rng.uniform(-1, 1, (200, 7)), rng.integers(0, 7, 200)
    found = angular_margin_logits(
        torch.from_numpy(cosines), torch.from_numpy(labels), margin, scale
    )
    np.testing.assert_allclose(found, transcribed(cosines, labels, margin, scale), atol=1e-9)


def test_at_a_right_angle_the_own_logit_is_minus_s_sin_m():
    found = angular_margin_logits(torch.zeros(1, 3).double(), torch.tensor([1]))
    expected = torch.tensor([[0, -64 * math.sin(0.5), 0]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


def test_the_loss_of_two_classes_has_its_closed_form():
    head = AngularMargin(2, 2).double()
    with torch.no_grad():
        head.centres.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.2]]))
    theta = 0.4
    described = 5 * torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    wanted = math.log1p(math.exp(64 * (math.sin(theta) - math.cos(theta + 0.5))))
    assert float(head(described, torch.tensor([0])).detach()) == pytest.approx(wanted, rel=1e-9)


def test_the_own_logit_falls_with_the_angle_all_the_way_round():
    theta = torch.linspace(0, math.pi, 2001, dtype=torch.float64)
    for margin in (0.1, 0.5, 1.0):
        own = angular_margin_logits(
            theta.cos()[:, None], torch.zeros(2001, dtype=torch.long), margin, 64
        )[:, 0]
        assert bool((own.diff() < 0).all())


def test_the_step_of_the_safeguard_is_the_one_that_the_docstring_tells():
    edge = torch.tensor([[-math.cos(0.5) + 1e-9], [-math.cos(0.5) - 1e-9]], dtype=torch.float64)
    before, after = angular_margin_logits(edge, torch.zeros(2, dtype=torch.long), 0.5, 1)[:, 0]
    assert float(before - after) == pytest.approx(
        -(1 - math.cos(0.5) - 0.5 * math.sin(0.5)), abs=1e-6
    )


def test_without_a_margin_it_is_a_plain_scaled_softmax():
    described, labels = on_the_sphere(9, 6), torch.arange(9) % 4
    head = AngularMargin(6, 4, margin=0.0, scale=20).double()
    plain = 20 * described @ functional.normalize(head.centres, dim=1).T
    torch.testing.assert_close(head(described, labels), functional.cross_entropy(plain, labels))
    whole = AngularMargin(6, 4, scale=20).double()
    whole.load_state_dict(head.state_dict())
    torch.testing.assert_close(whole(described, labels, share=0.0), head(described, labels))
    assert whole(described, labels) > head(described, labels)


def test_gradients_are_those_of_finite_differences():
    head = AngularMargin(5, 3, scale=4).double()
    described = on_the_sphere(6, 5, seed=2).requires_grad_(True)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    own = head.cosines(described).gather(1, labels[:, None])
    assert float(own.detach().abs().max()) < 0.999
    torch.autograd.gradcheck(lambda x, c: _loss(head, x, c, labels), (described, head.centres))


def _loss(head, described, centres, labels):
    return torch.func.functional_call(head, {"centres": centres}, (described, labels))


def test_gradcheck_holds_beyond_the_safeguard_too():
    cosines = torch.tensor([[-0.95, 0.2], [-0.9, 0.1]], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0])
    assert float(cosines.detach()[:, 0].max()) < -math.cos(0.5)
    torch.autograd.gradcheck(lambda c: angular_margin_logits(c, labels), cosines)


@pytest.mark.parametrize("own", [1.0, -1.0, 1.0000001, -1.0000001])
def test_gradients_stay_finite_where_the_angle_is_0_or_half_a_turn(own):
    cosines = torch.tensor([[own, 0.3]], requires_grad=True)
    functional.cross_entropy(
        angular_margin_logits(cosines, torch.tensor([0])), torch.tensor([0])
    ).backward()
    assert bool(cosines.grad.isfinite().all())
    described = torch.tensor([[2.0, 0.0]], requires_grad=True)
    head = AngularMargin(2, 2)
    with torch.no_grad():
        head.centres.copy_(torch.tensor([[math.copysign(1, own), 0.0], [0.0, 1.0]]))
    head(described, torch.tensor([0])).backward()
    assert bool(described.grad.isfinite().all()) and bool(head.centres.grad.isfinite().all())


def test_autocast_and_16_bits_do_not_reach_the_angles():
    head, labels = AngularMargin(64, 10), torch.arange(10)
    described = on_the_sphere(10, 64).float()
    expected = head(described, labels)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(head(described, labels), expected)
    assert head(described.bfloat16(), labels).dtype == torch.float32
    assert (
        angular_margin_logits(torch.rand(2, 3).half(), torch.tensor([0, 1])).dtype == torch.float32
    )


def test_training_with_it_parts_what_a_margin_parts():
    """Forty points on a circle in four classes: with the margin they end nearer to their own."""
    angles = torch.arange(4).repeat_interleave(10) * math.pi / 2
    points = torch.stack([angles.cos(), angles.sin()], dim=1).double()
    points += 0.3 * torch.randn(40, 2, generator=torch.Generator().manual_seed(1)).double()
    labels = torch.arange(4).repeat_interleave(10)
    torch.manual_seed(3)
    apart = {}
    for margin in (0.0, 0.5):
        turn = torch.nn.Linear(2, 8).double()
        head = AngularMargin(8, 4, margin, scale=16).double()
        optimiser = torch.optim.Adam([*turn.parameters(), *head.parameters()], 0.05)
        for _ in range(60):
            optimiser.zero_grad()
            head(turn(points), labels).backward()
            optimiser.step()
        own = head.cosines(turn(points)).gather(1, labels[:, None]).detach()
        apart[margin] = float(own.clamp(-1, 1).acos().mean())
    assert apart[0.5] < 0.8 * apart[0.0]


def test_a_margin_that_is_no_angle_is_refused():
    with pytest.raises(ValueError, match="margin"):
        angular_margin_logits(torch.zeros(1, 2), torch.tensor([0]), margin=2.0)


def test_the_paired_loss_is_the_margin_loss_with_each_other_as_centres():
    one, other, labels = on_the_sphere(6, 5), on_the_sphere(6, 5, seed=4), torch.arange(6)
    head = AngularMargin(5, 6, 0.4, 12).double()
    told = []
    for faces, centres in ((one, other), (other, one)):
        with torch.no_grad():
            head.centres.copy_(centres)
        told.append(head(faces, labels).detach())
    found = paired_margin_loss(3 * one, 0.1 * other, labels, 0.4, 12)
    torch.testing.assert_close(found, (told[0] + told[1]) / 2)


def test_a_person_who_is_twice_in_a_batch_is_not_told_from_themselves():
    one, other = on_the_sphere(4, 8), on_the_sphere(4, 8, seed=5)
    labels = torch.tensor([0, 1, 2, 1])
    found = paired_margin_loss(one, other, labels, 0.3, 20)
    by_hand = []
    for first, second in ((one, other), (other, one)):
        logits = angular_margin_logits(first @ second.T, torch.arange(4), 0.3, 20)
        for row in range(4):
            kept = [c for c in range(4) if c == row or labels[c] != labels[row]]
            by_hand.append(-(logits[row, row] - torch.logsumexp(logits[row, kept], 0)))
    torch.testing.assert_close(found, torch.stack(by_hand).mean())
    assert found < paired_margin_loss(one, other, torch.arange(4), 0.3, 20)


def test_gradients_of_the_paired_loss_are_those_of_finite_differences():
    one, other = on_the_sphere(4, 5), on_the_sphere(4, 5, seed=6)
    labels = torch.tensor([0, 1, 2, 1])
    inputs = one.requires_grad_(True), other.requires_grad_(True)
    torch.autograd.gradcheck(lambda a, b: paired_margin_loss(a, b, labels, 0.4, 5), inputs)
