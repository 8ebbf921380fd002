"""What the training of a generator is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from zoo.networks.stylegan.generator import GeneratorConfig
from zoo.training.base.config import (
    Amount,
    Count,
    FileName,
    Precision,
    RunConfig,
    Share,
    Whole,
)

__all__ = ["GeneratorTraining"]


@dataclass(frozen=True, slots=True)
class GeneratorTraining(RunConfig):
    """Everything that decides a run, but for the faces themselves."""

    task: ClassVar = "generator"
    designs: ClassVar = {GeneratorConfig.design: GeneratorConfig}

    name: FileName
    network: GeneratorConfig  # the generator; the discriminator has the same channels
    seed: Whole = 0
    steps: Count = 10_000
    batch_size: Count = 32
    # Of both networks (Adam, betas 0 and 0.99: Karras et al. 2020, appendix B), constant.
    learning_rate: Amount = 0.0025
    average_images: Amount = 10_000  # half-life of the averaged weights in faces shown
    average_ramp: Share = 0.05  # the half-life is at most this share of the faces shown so far
    r1: Amount = 0.1  # gamma of the gradient penalty on real faces in [-1, 1]
    # Steps between two uses of a regularisation, which weighs as much more (lazy regularisation:
    # Karras et al. 2020, section 3.1).
    r1_every: Count = 16
    path_length: Amount = 2.0  # weight of the path length regularisation; 0 for none
    path_length_every: Count = 4
    # Chance that a face has two codes, changing at a random layer (Karras et al. 2019, 3.1).
    mixing: Share = 0.9
    # The share that the discriminator's sign on real faces is held at by augmenting what it sees
    # (adaptive discriminator augmentation: Karras et al. 2020, arXiv 2006.06676, section 3, r_t); 0
    # for no augmentation.
    augment_target: Share = 0.6
    # Faces shown while the strength of augmentation can go from 0 to 1
    augment_images: Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)] = 100_000
    precision: Precision = "float32"
