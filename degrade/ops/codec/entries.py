"""The table's codecs and roundings; importing it imports none of their code."""

from __future__ import annotations

from degrade.ops.operation import Choice, Integer, Ladder, Number, Operation

CODEC = (
    Operation(
        "jpeg",
        1,
        "encodes and decodes as JPEG",
        "degrade.ops.codec.jpeg:jpeg",
        {
            "quality": Integer(1, 100, "quality"),
            "subsampling": Choice(("420", "422", "444"), "420"),
        },
        family="compression",
        ladder=Ladder("quality", 95, 5),
        caption="JPEG {quality}, {subsampling}",
    ),
    Operation(
        "diff_jpeg",
        1,
        "compresses as BasicSR's differentiable JPEG, which rounds no pixel",
        "degrade.ops.codec.diff_jpeg:diff_jpeg",
        {"quality": Number(1, 99, "quality")},
        family="compression",
        ladder=Ladder("quality", 95, 5),
        caption="DiffJPEG {quality:.1f}",
    ),
    Operation(
        "webp",
        1,
        "encodes and decodes as lossy WebP",
        "degrade.ops.codec.codec:webp",
        {"quality": Integer(1, 100, "quality")},
        family="compression",
        ladder=Ladder("quality", 95, 1),
        caption="WebP {quality}",
        portable=False,
    ),
    Operation(
        "jpeg2000",
        1,
        "encodes and decodes as JPEG 2000",
        "degrade.ops.codec.codec:jpeg2000",
        {"level": Number(1, 100, "dB PSNR")},
        family="compression",
        ladder=Ladder("level", 45, 20, even=True),
        caption="JPEG 2000, {level:.0f} dB",
        portable=False,
    ),
    Operation(
        "avif",
        1,
        "encodes and decodes as AVIF",
        "degrade.ops.codec.codec:avif",
        {"quality": Integer(1, 99, "quality")},
        family="compression",
        ladder=Ladder("quality", 95, 2),
        caption="AVIF {quality}",
        portable=False,
    ),
    Operation(
        "round",
        1,
        "rounds to 8 bits, halves to even",
        "degrade.ops.codec.codec:round_to_levels",
        {},
        caption="rounded",
    ),
    Operation(
        "truncate",
        1,
        "cuts to 8 bits, as a cast to uint8 does",
        "degrade.ops.codec.codec:truncate",
        {},
        caption="truncated",
    ),
)
"""Operations that encode or quantise."""
