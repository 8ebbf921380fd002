"""Train a discriminator: logistic loss, lazy R1 in a step of its own, adaptive augmentation.

Used by every task that has one; who makes the faces is no matter here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.stylegan.discriminator import Discriminator
from zoo.training.adversarial.augmentation import Augmentation
from zoo.training.base.distributed import Processes
from zoo.training.base.trainer import fill_network

__all__ = [
    "DiscriminatorTrainer",
    "discriminator_loss",
    "feature_matching_loss",
    "generator_loss",
    "gradient_penalty",
    "lazy_adam",
    "optimiser_step",
]

_AUGMENT_EVERY = 4
"""Steps between two changes of the strength of augmentation (Karras et al. 2020, arXiv
2006.06676, section 3)."""
_BETA2 = 0.99


class DiscriminatorTrainer:
    """A discriminator, its optimiser and the strength of its augmentation.

    Parameters
    ----------
    network
        Untrained.
    device
        Where to train.
    learning_rate
        Of Adam, betas 0 and 0.99.
    r1, r1_every
        Gamma of R1 for faces in [-1, 1], and the steps between two of its updates, which weigh
        as much more (lazy regularisation: Karras et al. 2020, arXiv 1912.04958, section 3.1).
    augment_target
        The mean sign of the scores of real faces that augmentation holds (adaptive
        discriminator augmentation: Karras et al. 2020, arXiv 2006.06676, section 3, r_t); 0
        for no augmentation.
    augment_images
        Faces shown while the strength can go from 0 to 1.
    processes
        This one among those that train together.
    precision
        Gives the context in which the network computes.
    """

    def __init__(
        self,
        network: Discriminator,
        device: torch.device,
        *,
        learning_rate: float,
        r1: float,
        r1_every: int,
        augment_target: float,
        augment_images: float,
        processes: Processes | None = None,
        precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.network: Discriminator = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.strength = 0.0
        """Of the augmentation: the chance of each change."""
        self._r1, self._r1_every = r1, r1_every
        self._target, self._images = augment_target, augment_images
        self._processes, self._precision = processes or Processes(), precision
        self._optimiser = lazy_adam(self.network, learning_rate, 0.0, r1_every if r1 else 0)
        self._signs = torch.zeros(2, device=device)

    def augmentation(self, count: int, generator: torch.Generator) -> Augmentation:
        """Draw a change of ``count`` faces, of the current strength."""
        return Augmentation.draw(count, self.strength, generator)

    def score_and_features(
        self, faces: Tensor, mask: Tensor | None, augmentation: Augmentation
    ) -> tuple[Tensor, list[Tensor]]:
        """Return scores and maps of augmented faces; gradients go to the faces alone."""
        self.network.requires_grad_(False)
        augmented = None if mask is None else augmentation.mask(mask)
        with self._precision():
            scores, features = self.network.score_and_features(augmentation(faces), augmented)
        return scores.float(), features

    def step(
        self,
        real: Tensor,
        fake: Tensor,
        mask: Tensor | None,
        done: int,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """Learn from real and made faces; return the losses and what tells of its health.

        Parameters
        ----------
        real, fake
            ``(n, 3, size, size)`` RGB in [0, 1], without gradients.
        mask
            ``(n, 19, side, side)``, of both, or None.
        done
            Steps of the run: decides when R1 comes.
        generator
            Draws the augmentation.
        """
        self.network.requires_grad_(True)
        first, second = (self.augmentation(len(faces), generator) for faces in (real, fake))
        real_mask = None if mask is None else first.mask(mask)
        fake_mask = None if mask is None else second.mask(mask)
        augmented = first(real)
        with self._precision():
            real_scores = self.network(augmented, real_mask).float()
            fake_scores = self.network(second(fake), fake_mask).float()
        loss = discriminator_loss(real_scores, fake_scores)
        norm = optimiser_step(self.network, self._optimiser, loss, self._processes)
        signs = real_scores.detach().sign()
        self._signs += torch.stack([signs.sum(), signs.new_tensor(float(len(signs)))])
        metrics = {
            "discriminator": loss,
            "real_score": real_scores.mean(),
            "fake_score": fake_scores.mean(),
            "accuracy": ((real_scores > 0).float().mean() + (fake_scores < 0).float().mean()) / 2,
            "discriminator_gradient": norm,
        }
        if self._r1 and done % self._r1_every == 0:
            metrics["r1"] = self._regularise(augmented, real_mask)
        if (done + 1) % _AUGMENT_EVERY == 0:
            self._set_strength(len(real) * self._processes.count)
        return metrics

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later run needs to go on as if never stopped."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "strength": self.strength,
            "signs": self._signs,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Raises
        ------
        TrainingError
            The state is of another network.
        KeyError, TypeError, ValueError
            It lacks a part.
        """
        fill_network(self.network, state_dict["network"], "the state of a discriminator")
        self._optimiser.load_state_dict(state_dict["optimiser"])
        self._signs.copy_(state_dict["signs"])
        self.strength = float(state_dict["strength"])

    def _regularise(self, real: Tensor, mask: Tensor | None) -> Tensor:
        real = real.detach().requires_grad_(True)
        with self._precision():
            scores = self.network(real, mask).float()
        # Faces are in [0, 1] here: in [-1, 1] the gradient is half as long.
        penalty = gradient_penalty(scores, real) / 4
        loss = penalty * (self._r1 / 2 * self._r1_every)
        optimiser_step(self.network, self._optimiser, loss, self._processes)
        return penalty

    def _set_strength(self, batch_size: int) -> None:
        """Augment more where real faces are told too surely, else less."""
        signs = self._signs.clone()
        self._processes.average([signs])
        self._signs.zero_()
        if not self._target:
            return
        excess = float(signs[0] / signs[1].clamp_min(1)) - self._target
        change = _AUGMENT_EVERY * batch_size / self._images
        self.strength = min(1.0, max(0.0, self.strength + (change if excess > 0 else -change)))


def lazy_adam(
    network: nn.Module, learning_rate: float, beta1: float, every: int = 0
) -> torch.optim.Adam:
    """Return Adam for a network that has a lazy regularisation every so many steps; 0 for none.

    With a regularisation every k steps there are k + 1 updates in the time of k: rate and betas
    are corrected for it (Karras et al. 2020, arXiv 1912.04958, appendix B).
    """
    share = every / (every + 1) if every else 1.0
    betas = (beta1**share, _BETA2**share)
    return torch.optim.Adam(network.parameters(), learning_rate * share, betas, fused=True)


def optimiser_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor, processes: Processes
) -> Tensor:
    """Take one step down the gradient of the loss; return the gradient's length."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    processes.average(gradients)
    for gradient in gradients:
        # The official code of StyleGAN2-ADA does so too: one overflow does not end the run.
        torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)
    optimiser.step()
    return torch.nn.utils.get_total_norm(gradients)


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the discriminator's loss from its scores of real and of made faces.

    Non-saturating logistic loss: Goodfellow et al. 2014 (arXiv 1406.2661, section 3).
    """
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Return the generator's loss from the discriminator's scores; see `discriminator_loss`."""
    return functional.softplus(-fake).mean()


def gradient_penalty(scores: Tensor, real: Tensor) -> Tensor:
    """Return R1: the mean squared length of the scores' gradient at real faces.

    Mescheder et al. 2018 (arXiv 1801.04406, eq. 9); times gamma / 2 it is the penalty. ``real``
    asked for gradients before ``scores`` was computed from it. Faces in [0, 1] give four times
    the value that the same faces in [-1, 1] give, for which gammas are published.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def feature_matching_loss(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Return the mean absolute difference of the discriminator's maps, the mean over levels.

    pix2pixHD: Wang et al. 2018 (arXiv 1711.11585, eq. 4). No gradient goes to ``real``.
    """
    differences = [(a - b.detach()).abs().mean() for a, b in zip(fake, real, strict=True)]
    return torch.stack(differences).mean()
