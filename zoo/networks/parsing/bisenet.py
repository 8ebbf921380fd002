"""BiSeNet, the face parser with 19 labels, so that its published weights can be loaded.

C. Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation", ECCV
2018, figures 2 and 3, on a ResNet-18, in the variant of zllrunning/face-parsing.PyTorch: the
spatial path is the backbone's own map at 1/8. The names of the modules are those of that
project's files (``79999_iter.pth``; facexlib's ``parsing_bisenet.pth`` is the same file).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet18

from zoo.weights.files import WeightsRefused, load_state_dict

__all__ = ["SIZE", "BiSeNet", "load_bisenet", "parse_faces"]

SIZE = 512
"""Side of its input in pixels."""
_CLASSES = 19
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels, RGB in [0, 1]; zllrunning/face-parsing.PyTorch, ``test.py``."""


class _ConvNormRelu(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(maps)))


class _AttentionRefinement(nn.Module):
    """Figure 2b: channels weighted by their global mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _ConvNormRelu(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        refined = self.conv(maps)
        weight = self.bn_atten(self.conv_atten(refined.mean(dim=(2, 3), keepdim=True)))
        return refined * weight.sigmoid()  # type: ignore[no-any-return]


class _ContextPath(nn.Module):
    """Figure 2a's right half: ResNet-18 with its context carried back up to 1/8."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = resnet18(weights=None)
        del self.resnet.fc, self.resnet.avgpool
        self.arm16 = _AttentionRefinement(256, 128)
        self.arm32 = _AttentionRefinement(512, 128)
        self.conv_head32 = _ConvNormRelu(128, 128)
        self.conv_head16 = _ConvNormRelu(128, 128)
        self.conv_avg = _ConvNormRelu(512, 128, kernel=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        net = self.resnet
        stem = net.maxpool(net.relu(net.bn1(net.conv1(images))))
        eighth = net.layer2(net.layer1(stem))
        sixteenth = net.layer3(eighth)
        last = net.layer4(sixteenth)
        whole = self.conv_avg(last.mean(dim=(2, 3), keepdim=True))
        context = self.conv_head32(_enlarged(self.arm32(last) + whole, sixteenth))
        finer = self.conv_head16(_enlarged(self.arm16(sixteenth) + context, eighth))
        return eighth, finer, context


def _enlarged(maps: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(maps, like.shape[2:], mode="nearest")


class _FeatureFusion(nn.Module):
    """Figure 2c."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convblk = _ConvNormRelu(channels, channels, kernel=1)
        self.conv1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        fused = self.convblk(torch.cat((spatial, context), dim=1))
        pooled = fused.mean(dim=(2, 3), keepdim=True)
        weight = self.conv2(functional.relu(self.conv1(pooled))).sigmoid()
        return fused * weight + fused  # type: ignore[no-any-return]


class _LabelHead(nn.Module):
    def __init__(self, inputs: int, between: int) -> None:
        super().__init__()
        self.conv = _ConvNormRelu(inputs, between)
        self.conv_out = nn.Conv2d(between, _CLASSES, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        return self.conv_out(self.conv(maps))  # type: ignore[no-any-return]


class BiSeNet(nn.Module):
    """``(n, 3, height, width)`` normalised images to ``(n, 19, height, width)`` logits.

    Labels in the order of `zoo.labels.BISENET_LABELS`. The heads ``conv_out16`` and
    ``conv_out32`` served the training only; they are here for their places in the file.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cp = _ContextPath()
        self.ffm = _FeatureFusion(256)
        self.conv_out = _LabelHead(256, 256)
        self.conv_out16 = _LabelHead(128, 64)
        self.conv_out32 = _LabelHead(128, 64)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits at the size of the images."""
        spatial, context, _ = self.cp(images)
        logits = self.conv_out(self.ffm(spatial, context))
        return functional.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=True)


def load_bisenet(path: Path) -> BiSeNet:
    """Return the network with the weights of a file, in evaluation mode, frozen, on the CPU.

    Parameters
    ----------
    path
        ``.safetensors`` or a checkpoint of tensors, verified by the caller.

    Raises
    ------
    WeightsRefused
        The file is damaged, could run code, or holds another network.
    """
    network = BiSeNet()
    try:
        network.load_state_dict(load_state_dict(path))
    except RuntimeError as error:  # names or shapes that do not fit
        raise WeightsRefused(
            f"{path} holds the weights of another network than the 19-label BiSeNet: run "
            "`zoo fetch bisenet`, or choose another parser"
        ) from error
    return network.requires_grad_(False).eval()


def parse_faces(network: BiSeNet, images: Tensor) -> Tensor:
    """Return label probabilities, ``(n, 19, 512, 512)`` float32 in BiSeNet's order.

    Parameters
    ----------
    network
        From `load_bisenet`.
    images
        ``(n, 3, 512, 512)`` float32 RGB in [0, 1].
    """
    mean, deviation = torch.tensor(_MEAN), torch.tensor(_DEVIATION)
    normalised = (images - mean[:, None, None]) / deviation[:, None, None]
    with torch.inference_mode():
        return network(normalised).softmax(dim=1)  # type: ignore[no-any-return]
