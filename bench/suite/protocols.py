"""Protocols: what each published way of scoring face restorers computes, by name.

The strict one and those of five repositories as their scripts stand, and the choice of columns
for the metrics that a suite names. The arithmetic is the metrics', each with a signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bench.metrics.registry import entries, entry_of
from degrade.config import nearest
from degrade.errors import UserError
from degrade.terminal import columns


@dataclass(frozen=True, slots=True)
class ScoringProtocol:
    """A published way of scoring, from the repository and the files that ``source`` names.

    ``traps``: what the scripts do that a reader would not guess, and that the columns reproduce;
    ``differs``: what they do that a run here does not, and why.
    """

    name: str
    summary: str
    source: str
    traps: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """What is reported (``psnr``, ``identity``) to the columns that compute it.

        As `bench.metrics.entry.MetricEntry` declares; two columns where the script prints two
        figures.
        """
        matching: dict[str, tuple[str, ...]] = {}
        for entry in entries().values():
            reported = entry.protocols.get(self.name)
            if reported:
                matching[reported] = (*matching.get(reported, ()), entry.name)
        known = [name for name in _ORDER if name in matching]
        return {name: matching[name] for name in (*known, *(matching.keys() - set(known)))}


_ORDER = (
    "psnr", "psnr_y", "ssim", "ssimc", "ssim_y", "ms_ssim", "lpips", "lpips_vgg", "dists", "niqe",
    "identity", "fid", "kid",
)  # fmt: skip
"""Of what protocols report, in listings."""

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
)
_BASICSR = ScoringProtocol(
    name="basicsr",
    summary="The scripts that most restoration papers descend from, with their defaults",
    source="XPixelGroup/BasicSR scripts/metrics/calculate_{psnr_ssim,lpips,niqe,fid_folder}.py",
    traps=("Luma is MATLAB's, 16 to 235: 1.32 dB above full-range luma.",),
    differs=(_REFERENCE,),
)
_VQFR = ScoringProtocol(
    name="vqfr",
    summary="The scripts behind VQFR and, by its maintainers' word, GFPGAN",
    source="TencentARC/VQFR metric_paper/calculate_{psnr_ssim,lpips,niqe,cos_dist,fid_folder}.py",
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

EVERY = "protocol"
"""Among the metrics: everything that the protocols report."""


def protocol_names() -> tuple[str, ...]:
    """Return the names of all protocols."""
    return tuple(PROTOCOLS)


def choose_columns(metrics: Sequence[str], protocols: Sequence[str] = (STRICT,)) -> tuple[str, ...]:
    """Return the names of the columns that stand for these metrics, each once, in order.

    A name that a protocol reports (``psnr``, ``identity``) becomes that protocol's columns; with
    two protocols, both. Any other name stands for itself, as does a column's own name, and `EVERY`
    for all. UserError for no such protocol, or a name that only other protocols report.
    """
    chosen = [protocol_of(name) for name in protocols]
    reported: list[str] = []
    for name in metrics:
        reported += [each for p in chosen for each in p.variants] if name == EVERY else [name]
    return tuple(dict.fromkeys(column for name in reported for column in _columns_of(name, chosen)))


def protocols_of(column: str) -> tuple[str, ...]:
    """Return the names of the protocols that have this column."""
    return tuple(
        name
        for name, protocol in PROTOCOLS.items()
        if any(column in columns for columns in protocol.variants.values())
    )


def protocol_of(name: str) -> ScoringProtocol:
    """Return a protocol by name; UserError names them all."""
    if name not in PROTOCOLS:
        raise UserError(
            f"there is no protocol '{name}'.{nearest(name, PROTOCOLS)} "
            f"Name one of: {', '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[name]


def _columns_of(name: str, protocols: Sequence[ScoringProtocol]) -> tuple[str, ...]:
    matching = tuple(column for p in protocols for column in p.variants.get(name, ()))
    if matching or not _is_only_reported(name):
        return matching or (name,)
    those = ", ".join(each for each, p in PROTOCOLS.items() if name in p.variants)
    raise UserError(
        f"the protocol {' and '.join(p.name for p in protocols)} has no '{name}': name one of "
        f"{those}, or a column such as identity_dlib (`bench metrics` lists them)"
    )


def _is_only_reported(name: str) -> bool:
    """Say whether this is what protocols report without being the name of a column."""
    return name not in entries() and any(name in p.variants for p in PROTOCOLS.values())


def protocols_text(protocols: Sequence[ScoringProtocol]) -> str:
    """Return name, summary and columns of each."""
    parts = []
    for each in protocols:
        parts += [f"{each.name}: {each.summary}", f"  {each.source}", *_column_lines(each)]
    return "\n".join(parts)


def protocol_text(protocol: ScoringProtocol) -> str:
    """Return everything about one."""
    parts = [protocols_text([protocol])]
    for title, notes in (("as its scripts do:", protocol.traps), ("otherwise:", protocol.differs)):
        if notes:
            parts += [title, *(f"  - {note}" for note in notes)]
    return "\n".join(parts)


def protocol_record(protocol: ScoringProtocol) -> dict[str, Any]:
    """Return a JSON-ready mapping; each column is a mapping of its name and signature."""
    return {
        "name": protocol.name,
        "summary": protocol.summary,
        "source": protocol.source,
        "variants": {
            reported: [{"metric": name, "signature": entry_of(name).signature} for name in columns]
            for reported, columns in protocol.variants.items()
        },
        "traps": list(protocol.traps),
        "differs": list(protocol.differs),
    }


def _column_lines(protocol: ScoringProtocol) -> list[str]:
    rows = [
        (reported, name, entry_of(name).signature)
        for reported, columns in protocol.variants.items()
        for name in columns
    ]
    return [f"  {line}" for line in columns(rows)]
