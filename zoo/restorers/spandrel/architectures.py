"""What is known of other people's architectures: sizes, licences, data, loss networks.

Numbers and words alone; `zoo.restorers.spandrel.network` feeds the networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["FACE_SIDE", "Architecture", "architecture_facts"]

FACE_SIDE = 512
"""Side in pixels of the crops that GFPGAN, RestoreFormer and CodeFormer were trained on (their
options files: ``gt_size: 512``, ``resolution: 512``, ``in_size: 512``)."""

_PERMISSIVE = "permissive (MIT, Apache 2.0, public domain: all that spandrel carries)"
_LOOK_UP = "not stated in the file: look it up where it came from"


@dataclass(frozen=True, slots=True)
class Architecture:
    """Facts of one architecture, by the id that spandrel gives it."""

    licence_code: str  # of the architecture's code
    licence_weights: str = _LOOK_UP  # of the weights that its authors published
    source: str = "through spandrel"  # the paper and the repository
    # Side in pixels of the aligned faces that it takes, or None for images of any size
    face_side: int | None = None
    trained_on: str = "not stated in the file"  # the data of the published weights
    # What the published weights were trained against, by the names that metrics use
    loss_networks: tuple[str, ...] = ()
    # The licence that must be agreed to, a key of `zoo.weights.licences.LICENCES`, or empty
    consent: str = ""
    limits: str = "Whatever its authors say; nothing of it was measured here."  # one sentence


_FACE_LIMITS = (
    "Made for aligned FFHQ crops of 512 pixels; paints a face of its own where little is left, "
    "which may be another person's."
)

# Sources: TencentARC/GFPGAN, wzhouxiff/RestoreFormer and sczhou/CodeFormer, their README, LICENSE
# and options/*.yml. Licences of spandrel_extra_arches: the LICENSE file beside each
# architecture in chaiNNer-org/spandrel, libs/spandrel_extra_arches.
_KNOWN: Mapping[str, Architecture] = MappingProxyType(
    {
        "GFPGAN": Architecture(
            licence_code="Apache-2.0",
            licence_weights="Apache-2.0 with non-commercial parts by NVIDIA (StyleGAN2 prior)",
            source="Wang et al. 2021, GFP-GAN; TencentARC/GFPGAN, the clean architecture",
            face_side=FACE_SIDE,
            trained_on="FFHQ (CC BY-NC-SA 4.0), recipe gfpgan",
            loss_networks=("vgg19", "arcface-resnet18"),
            limits=_FACE_LIMITS,
        ),
        "RestoreFormer": Architecture(
            licence_code="Apache-2.0",
            licence_weights="Apache-2.0; trained on FFHQ (CC BY-NC-SA 4.0)",
            source="Wang et al. 2022, RestoreFormer; wzhouxiff/RestoreFormer",
            face_side=FACE_SIDE,
            trained_on="FFHQ (CC BY-NC-SA 4.0)",
            loss_networks=("vgg16", "arcface-resnet18"),
            limits=_FACE_LIMITS,
        ),
        "CodeFormer": Architecture(
            licence_code="S-Lab License 1.0 (non-commercial)",
            licence_weights="S-Lab License 1.0 (non-commercial)",
            source="Zhou et al. 2022, CodeFormer; sczhou/CodeFormer",
            face_side=FACE_SIDE,
            trained_on="FFHQ (CC BY-NC-SA 4.0), recipes codeformer-2 and codeformer-3",
            loss_networks=("vgg16",),
            consent="s-lab-1.0",
            limits=_FACE_LIMITS,
        ),
        "SRFormer": Architecture("CC BY-NC 4.0", consent="cc-by-nc-4.0"),
        "AdaCode": Architecture("CC BY-NC-SA 4.0", consent="cc-by-nc-sa-4.0"),
        "FeMaSR": Architecture("CC BY-NC-SA 4.0", consent="cc-by-nc-sa-4.0"),
        "DDColor": Architecture("Alibaba, academic use", consent="ddcolor"),
        "M3SNet": Architecture("Academic Public License", consent="academic-public"),
        "MIRNet2": Architecture("Academic Public License", consent="academic-public"),
        "MPRNet": Architecture("Academic Public License", consent="academic-public"),
        "Restormer": Architecture("Academic Public License", consent="academic-public"),
    }
)


def architecture_facts(identity: str) -> Architecture:
    """Return what is known of spandrel's architecture ``identity``, or of any other of its."""
    return _KNOWN.get(identity, Architecture(_PERMISSIVE))
