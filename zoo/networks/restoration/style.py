"""The mask-conditioned style restorer: image → style maps → image.

An encoder turns the degraded face and its parsing mask into a pyramid of style maps; a generator
starts from a learned constant and is modulated by them at every level, from coarse to fine. The
design is that of the Kuaishou Y-Tech article; the modulation is SPADE's (Park et al. 2019,
arXiv 1903.07291, eq. 1) in the form ``(1 + gamma) x + beta``, the image is a sum of skip outputs
(StyleGAN2, Karras et al. 2020, arXiv 1912.04958, figure 7) added to the input.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.config import Channels, Depth, Size, check_doubling
from zoo.networks.restoration.unet import PlainBlock, doubled, zeroed

__all__ = ["LABELS", "StyleConfig", "StyleRestorer", "complete_mask"]

LABELS = 19
"""Labels of a parsing mask (CelebAMask-HQ, Lee et al. 2020)."""

_SLOPE = 0.2
_GREY = 0.5


@dataclass(frozen=True, slots=True)
class StyleConfig:
    """The size of the network."""

    design: ClassVar = "style"

    # Side of the face in pixels: 64 to 1024, ``patch`` times the largest key of ``channels``
    size: Size
    # Side of a level in pixels → channels of its features; each side twice the one before. The
    # first is where the generator's constant lives.
    channels: Channels
    # Pixels are folded ``patch × patch`` into channels before the finest level and unfolded after
    # it (space to depth), which costs a quarter of a level of its own for 2
    patch: Size = 2
    style: Size = 32  # channels of a style map
    blocks: Depth = 1  # modulated blocks of each level
    # ``constant``: the generator begins with a learned constant; ``encoder``: with the encoder's
    # coarsest features
    start: Literal["constant", "encoder"] = "constant"
    masked: bool = True  # false leaves the mask out altogether, for ablations
    # Whether the outputs are added to the degraded face: a residual network. Without it they are
    # added to grey, and nothing of the face has a way around the styles.
    shortcut: bool = True

    def __post_init__(self) -> None:
        sides = list(self.channels)
        check_doubling(sides)
        if not 64 <= self.size <= 1024 or self.size != self.patch * sides[-1]:
            raise ValueError(
                f"size {self.size} is not {self.patch} × {sides[-1]}, or not 64 to 1024"
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the levels in pixels, coarse to fine."""
        return tuple(self.channels)


def complete_mask(mask: Tensor | None, like: Tensor) -> Tensor:
    """Return the mask with a channel for what it does not say.

    Parameters
    ----------
    mask
        ``(n, 19, height, width)`` in [0, 1]: a hard or soft mask, a partial one whose channels
        sum to less than 1, or None for no mask at all.
    like
        ``(n, 3, height, width)``: the faces.

    Returns
    -------
    Tensor
        ``(n, 20, height, width)`` summing to 1; the last channel is 1 where nothing is known, so
        that "no mask" is an input that the network learns, not a mask of zeros.
    """
    if mask is None:
        mask = like.new_zeros((like.shape[0], LABELS, *like.shape[2:]))
    mask = mask.to(like.dtype).clamp(0, 1)
    total = mask.sum(dim=1, keepdim=True)
    mask = mask / total.clamp_min(1)
    return torch.cat([mask, (1 - total).clamp_min(0)], dim=1)


class StyleRestorer(nn.Module):
    """Restore aligned faces.

    Parameters
    ----------
    config
        Sizes. A new network returns its input unchanged: the outputs start at zero. The
        modulation does not: with both at zero nothing of the face would reach the outputs, and
        the first hundreds of steps would be spent on that (tried).
    """

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _Encoder(config)
        self.generator = _Generator(config)

    @property
    def last_layer(self) -> Tensor:
        """The weights of the finest output, see `AdversarialConfig.balance`."""
        weight = self.generator.to_rgb[-1].weight
        assert isinstance(weight, Tensor)
        return weight

    def forward(self, faces: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the restored faces, ``(n, 3, size, size)``, not clipped.

        Parameters
        ----------
        faces
            ``(n, 3, size, size)`` RGB in [0, 1].
        mask
            ``(n, 19, side, side)`` in [0, 1], see `complete_mask`, or None. Any side from that of
            the finest level on will do: masks are averaged down to the levels.

        Raises
        ------
        ValueError
            Faces or mask of another size.
        """
        side, finest = self.config.size, self.config.sides[-1]
        if faces.shape[1:] != (3, side, side):
            raise ValueError(f"faces are {tuple(faces.shape)}, not (n, 3, {side}, {side})")
        if mask is not None and not _fits(mask, faces.shape[0], finest):
            raise ValueError(
                f"mask is {tuple(mask.shape)}, not (n, {LABELS}, side, side) of a side from "
                f"{finest} on"
            )
        known = complete_mask(mask, faces) if self.config.masked else None
        styles = self.encoder(faces * 2 - 1, known)
        change: Tensor = self.generator(styles)
        return faces + change if self.config.shortcut else _GREY + change


class _Encoder(nn.Module):
    """Faces and mask → one style map for each level, coarse to fine."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self._sides, self._patch = config.sides, config.patch
        widths = [config.channels[side] for side in config.sides]
        labels = LABELS + 1 if config.masked else 0
        self.first = nn.Conv2d(3 * config.patch**2 + labels, widths[-1], 3, padding=1)
        self.levels = nn.ModuleList([PlainBlock(width) for width in reversed(widths)])
        self.downs = nn.ModuleList(
            nn.Conv2d(widths[level], widths[level - 1], 3, stride=2, padding=1)
            for level in range(len(widths) - 1, 0, -1)
        )
        self.ups = nn.ModuleList(
            nn.Conv2d(widths[level], widths[level + 1], 1) for level in range(len(widths) - 1)
        )
        self.styles = nn.ModuleList(
            nn.Conv2d(width + labels, config.style, 3, padding=1) for width in widths
        )
        self.coarsest = nn.Conv2d(widths[0], widths[0], 1) if config.start == "encoder" else None

    def forward(self, faces: Tensor, mask: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
        masks = {side: _at_side(mask, side) for side in self._sides}
        folded = functional.pixel_unshuffle(faces, self._patch)
        x = self.first(_joined(folded, masks[self._sides[-1]]))
        fine_to_coarse = []
        for index, level in enumerate(self.levels):
            if index:
                x = self.downs[index - 1](functional.leaky_relu(x, _SLOPE))
            x = level(x)
            fine_to_coarse.append(x)
        features = fine_to_coarse[::-1]
        # Top-down: a fine style map knows what the coarse levels saw (an FPN: Lin et al. 2017).
        context = features[0]
        start = None if self.coarsest is None else self.coarsest(context)
        styles = []
        for index, side in enumerate(self._sides):
            if index:
                context = features[index] + doubled(self.ups[index - 1](context))
            style = self.styles[index](_joined(context, masks[side]))
            styles.append(functional.leaky_relu(style, _SLOPE))
        return styles, start


class _Generator(nn.Module):
    """Style maps → the change to the faces, ``(n, 3, size, size)``."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self._patch = config.patch
        widths = [config.channels[side] for side in config.sides]
        first = config.sides[0]
        if config.start == "constant":
            self.constant = nn.Parameter(torch.randn(1, widths[0], first, first))
        self.blocks = nn.ModuleList(
            nn.ModuleList(_Modulated(width, config.style) for _ in range(config.blocks))
            for width in widths
        )
        self.widen = nn.ModuleList(
            nn.Conv2d(before, after, 1) for before, after in itertools.pairwise(widths)
        )
        self.to_rgb = nn.ModuleList(
            zeroed(nn.Conv2d(width + config.style, 3 * config.patch**2, 3, padding=1))
            for width in widths
        )

    def forward(self, styles_and_start: tuple[list[Tensor], Tensor | None]) -> Tensor:
        styles, start = styles_and_start
        x = self.constant.expand(styles[0].shape[0], -1, -1, -1) if start is None else start
        change: Tensor | None = None
        for index, style in enumerate(styles):
            if index:
                x = self.widen[index - 1](doubled(x))
            for block in self.blocks[index]:  # type: ignore[attr-defined]
                x = block(x, style)
            # The outputs see the style map too: what is fine and nearly right in the input has a
            # short way, without which a plain U-Net does better on mild degradations (measured).
            features_and_style = torch.cat([functional.leaky_relu(x, _SLOPE), style], dim=1)
            rgb = functional.pixel_shuffle(self.to_rgb[index](features_and_style), self._patch)
            change = rgb if change is None else _smoothly_doubled(change) + rgb
        assert change is not None
        return change


class _Modulated(nn.Module):
    """Two convolutions, each after a normalisation that the style map undoes as it sees fit."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.gains = nn.ModuleList(nn.Conv2d(style, 2 * width, 3, padding=1) for _ in "12")
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in "12")

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Return ``x`` changed, of the same shape ``(n, width, side, side)``."""
        identity = x
        for gain, convolution in zip(self.gains, self.convolutions, strict=True):
            gamma, beta = gain(style).chunk(2, dim=1)
            x = (1 + gamma) * functional.instance_norm(x) + beta
            x = convolution(functional.leaky_relu(x, _SLOPE))
        return identity + x


def _fits(mask: Tensor, count: int, finest: int) -> bool:
    height, width = mask.shape[-2:]
    return mask.shape[:-2] == (count, LABELS) and height == width and height >= finest


def _joined(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else torch.cat([x, mask], dim=1)


def _at_side(mask: Tensor | None, side: int) -> Tensor | None:
    return None if mask is None else functional.adaptive_avg_pool2d(mask, side)


def _smoothly_doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
