"""What the training of an encoder is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from zoo.networks.stylegan.psp import EncoderConfig
from zoo.training.base.config import (
    Amount,
    Count,
    Families,
    FileName,
    IdentityConfig,
    Precision,
    RunConfig,
    Share,
    Whole,
)

__all__ = ["EncoderTraining"]


@dataclass(frozen=True, slots=True)
class EncoderTraining(RunConfig):
    """Everything that decides a run, but for the faces themselves and the generator's weights."""

    task: ClassVar = "encoder"
    designs: ClassVar = {EncoderConfig.design: EncoderConfig}

    name: FileName
    # Into whose codes: a name that `zoo list` knows, or a ``.safetensors`` file
    generator: Annotated[str, Meta(min_length=1)]
    network: EncoderConfig  # the encoder; its size, latent and layers are the generator's
    families: Families  # Recipe → its share of the degraded faces
    clean: Share = 0.25  # chance that a face comes undegraded
    seed: Whole = 0
    steps: Count = 3000
    batch_size: Count = 8  # real faces a step, judged by what the generator makes of their codes
    # Faces a step that the generator draws, judged by their codes, which are known
    drawn: Whole = 8
    mixing: Share = 0.5  # chance that a drawn face has two codes, changing at a random layer
    learning_rate: Amount = 0.001  # see `zoo.training.base.schedule`
    warmup: Whole = 50
    decay: Share = 0.5
    ema: Share = 0.99
    pixel: Amount = 1.0  # weight of the mean squared difference of the pixels
    # Weight of the distance of EfficientNet-Lite0's maps, of which `stages` count
    perceptual: Amount = 0.8
    stages: Annotated[int, Meta(ge=1, le=5)] = 5
    identity: IdentityConfig | None = None  # the identity loss, or None for none
    # Weight of the mean square of the coordinates: the distance from the average code (pSp's
    # regularisation, Richardson et al. 2021, arXiv 2008.00951, equation 4).
    leaving: Amount = 0.005
    code: Amount = 0.1  # weight of the mean squared error of the drawn faces' coordinates
    precision: Precision = "float32"
