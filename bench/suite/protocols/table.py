"""The six protocols: the strict one, and those of five repositories as their scripts stand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bench.suite.protocols.protocol import ScoringProtocol

__all__ = ["PROTOCOLS", "STRICT"]

STRICT = "strict"
"""The protocol of a suite that names none."""

_PAIRED_BY_ORDER = (
    "Pairs two sorted listings, so one missing file shifts every later pair; here images are "
    "joined by name and a missing one is a status."
)
_NO_NAN = (
    "Two equal descriptors may have a cosine just above 1, whose angle is NaN in the script and "
    "makes its mean NaN; here the cosine is cut to 1."
)
_REFERENCE = (
    "Compares with the stored statistics of 50 000 FFHQ images; here with the folder given by "
    "--reference, which the signature names."
)
_LANDMARKS = "The landmark distance of its 98-point AWing network has no column here."

_STRICT = ScoringProtocol(
    name=STRICT,
    summary="RGB, no crop, no epsilon; every image counts, a lost face as a cosine of 0",
    source="Relume",
    variants=MappingProxyType(
        {
            "psnr": ("psnr",),
            "ssim": ("ssim",),
            "ms_ssim": ("ms_ssim",),
            "lpips": ("lpips",),
            "dists": ("dists",),
            "niqe": ("niqe",),
            "identity": ("identity_dlib_strict", "face_found"),
            "fid": ("fid",),
            "kid": ("kid",),
        }
    ),
)
_BASICSR = ScoringProtocol(
    name="basicsr",
    summary="The scripts that most restoration papers descend from, with their defaults",
    source="XPixelGroup/BasicSR scripts/metrics/calculate_{psnr_ssim,lpips,niqe,fid_folder}.py",
    variants=MappingProxyType(
        {
            "psnr": ("psnr",),
            "psnr_y": ("psnr_y_limited",),
            "ssim": ("ssim",),
            "ssim_y": ("ssim_y_limited",),
            "lpips": ("lpips_vgg",),
            "niqe": ("niqe",),
            "fid": ("fid",),
        }
    ),
    traps=("Luma is MATLAB's, 16 to 235: 1.32 dB above full-range luma.",),
    differs=(_REFERENCE,),
)
_VQFR = ScoringProtocol(
    name="vqfr",
    summary="The scripts behind VQFR and, by its maintainers' word, GFPGAN",
    source="TencentARC/VQFR metric_paper/calculate_{psnr_ssim,lpips,niqe,cos_dist,fid_folder}.py",
    variants=MappingProxyType(
        {
            "psnr": ("psnr_vqfr",),
            "ssim": ("ssim_vqfr",),
            "lpips": ("lpips_vgg",),
            "niqe": ("niqe",),
            "identity": ("identity_vqfr",),
            "fid": ("fid",),
        }
    ),
    traps=(
        "--correct_mean_var is store_true with the default True, so each channel is always given "
        "the truth's mean and deviation, twice, before PSNR and SSIM.",
        "Pairs whose identity differs by less than 1° are left out of the mean.",
        "Identity is measured on the whole grey picture reduced to 128 pixels, unaligned.",
    ),
    differs=(_PAIRED_BY_ORDER, _NO_NAN, _REFERENCE, _LANDMARKS),
)
_RESTOREFORMER = ScoringProtocol(
    name="restoreformer",
    summary="RestoreFormer's scripts: OpenCV's BGR fed to networks of RGB",
    source="wzhouxiff/RestoreFormer scripts/metrics/cal_{psnr_ssim,identity_distance,fid}.py",
    variants=MappingProxyType(
        {
            "psnr": ("psnr",),
            "ssim": ("ssim",),
            "lpips": ("lpips_restoreformer", "lpips_restoreformer_unit"),
            "identity": ("identity_restoreformer",),
            "fid": ("fid",),
        }
    ),
    traps=(
        "LPIPS sees BGR, once scaled to [-1, 1] and once left in [0, 1], where it is lower.",
        "Identity weights blue as red, feeds [0, 1] to a network of [-1, 1], and is in radians.",
    ),
    differs=(
        "A missing image is skipped while the sum is divided by the number of truths: it counts "
        "as 0 dB, and as a perfect LPIPS and identity; here it is a status and lowers coverage.",
        _NO_NAN,
        _REFERENCE,
        "Takes pip's AlexNet LPIPS where that package is installed; here always VGG-16.",
    ),
)
_PMRF = ScoringProtocol(
    name="pmrf",
    summary="PMRF's script for blind restoration, with SSIM as in its other script beside it",
    source="ohayonguy/PMRF evaluation/compute_metrics_{blind,controlled_experiments}.py",
    variants=MappingProxyType(
        {
            "psnr": ("psnr_eps",),
            "ssim": ("ssim", "ssim_piq"),
            "lpips": ("lpips_vgg",),
            "niqe": ("niqe",),
            "identity": ("identity_vqfr",),
            "fid": ("fid_torch_fidelity",),
        }
    ),
    traps=(
        "Adds 1e-8 to the squared error, so equal images have 80 dB.",
        "The two scripts compute two SSIMs: BasicSR's, and piq's, which halves 512 pixels first.",
        "Pairs whose identity differs by less than 1° are left out of the mean.",
    ),
    differs=(
        _NO_NAN,
        "Compares with all 70 000 FFHQ images; here with the folder given by --reference.",
        "Draws 100 random subsets for KID; the columns kid and kid_clean are the exact mean "
        "over all pairs.",
        "Computes in float32 on a GPU, here in float64.",
        _LANDMARKS,
    ),
)
_PYIQA = ScoringProtocol(
    name="pyiqa",
    summary="What pyiqa.create_metric(name) computes by default",
    source="chaofengc/IQA-PyTorch pyiqa/default_model_configs.py",
    variants=MappingProxyType(
        {
            "psnr": ("psnr_eps",),
            "psnr_y": ("psnr_y_eps",),
            "ssim": ("ssim_y_rounded_clamped",),
            "ssimc": ("ssim_rgb_clamped",),
            "ms_ssim": ("ms_ssim_y_rounded_clamped",),
            "lpips": ("lpips",),
            "lpips_vgg": ("lpips_vgg",),
            "dists": ("dists",),
            "niqe": ("niqe_y_full",),
            "fid": ("fid_clean",),
        }
    ),
    traps=(
        "PSNR is of RGB, but SSIM of rounded full-range luma, its contrast term cut off at 0.",
        "Adds 1e-8 to the squared error, so equal images have 80 dB.",
    ),
    differs=(
        "Pairs two sorted listings of equal length on its command line; here joined by name.",
        "Computes PSNR in float32, here in float64: a difference below 1e-4 dB.",
    ),
)

PROTOCOLS: Mapping[str, ScoringProtocol] = MappingProxyType(
    {each.name: each for each in (_STRICT, _BASICSR, _VQFR, _RESTOREFORMER, _PMRF, _PYIQA)}
)
"""Every protocol by name."""
