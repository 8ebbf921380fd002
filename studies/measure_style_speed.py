"""How fast the style design is: ``python studies/measure_style_speed.py``.

Three figures, on one thread: at 512 pixels against GFPGAN's clean architecture, both with random
weights and one after the other by turns; one face of ``style-128`` (or of the weights in
--weights); and a new process that imports, loads and restores one face, beside one that imports
PyTorch alone. CPU seconds, so that others on the machine count little; medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import click
import numpy as np
import torch

import zoo
from zoo.networks.restoration.style import StyleConfig, StyleRestorer
from zoo.registry.registry import DEFAULT
from zoo.training.base.config import list_configs
from zoo.training.tasks.registry import load_training

BIG = "style-512-ffhq"
STAND_IN = StyleConfig(512, {16: 256, 32: 192, 64: 128, 128: 64, 256: 32})
COLD = (
    "import sys, time, torch\n"
    "imported = time.process_time()\n"
    "import numpy, zoo\n"
    "face = numpy.full((128, 128, 3), 90, numpy.uint8)\n"
    "if len(sys.argv) > 1: zoo.load(sys.argv[1]).restore([face])\n"
    "print(imported, time.process_time() - imported)"
)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default=DEFAULT, help="a restorer of 128 pixels")
    parser.add_argument("--repetitions", type=int, default=5)
    return parser.parse_args()


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def by_turns(repetitions: int, *works: Callable[[], object]) -> list[float]:
    """Return the median CPU seconds of each, after one round that does not count."""
    taken = [[cpu_seconds(work) for work in works] for _ in range(repetitions + 1)][1:]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def gfpgan() -> torch.nn.Module:
    """GFPGANv1Clean as published: 512 pixels, channel multiplier 2, spandrel's code."""
    from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean

    return GFPGANv1Clean(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None,
        fix_decoder=False, num_mlp=8, input_is_latent=True, different_w=True, narrow=1,
        sft_half=True,
    )  # fmt: skip


def parameters(network: torch.nn.Module) -> str:
    return f"{sum(part.numel() for part in network.parameters()) / 1e6:.1f} M parameters"


def big_config() -> tuple[str, StyleConfig]:
    if BIG in list_configs():
        config = load_training(BIG).network
        assert isinstance(config, StyleConfig)
        return BIG, config
    return "a stand-in for style-512", STAND_IN


@torch.inference_mode()
def at_512(repetitions: int) -> None:
    name, config = big_config()
    style = StyleRestorer(config).eval().to(memory_format=torch.channels_last)
    other = gfpgan().eval()
    face = torch.rand(1, 3, 512, 512)
    folded = face.contiguous(memory_format=torch.channels_last)
    ours, theirs = by_turns(repetitions, lambda: style(folded), lambda: other(face))
    click.echo(f"{name}, {parameters(style)}: {ours:.3f} s a face at 512²")
    click.echo(f"GFPGANv1Clean, {parameters(other)}: {theirs:.3f} s a face at 512²")
    click.echo(f"ratio {theirs / ours:.1f} (bar: 4)")


def at_128(name: str, repetitions: int) -> None:
    restorer = zoo.load(name)
    face = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    mask = np.full((19, 128, 128), 1 / 19, np.float32)
    taken = by_turns(4 * repetitions, lambda: restorer.restore([face], [mask]))
    click.echo(f"{restorer.card.name}: {1000 * taken[0]:.0f} ms a face at 128² (bar: 60)")


def cold(name: str, repetitions: int) -> None:
    def medians(*words: str) -> list[float]:
        runs = [
            subprocess.run([sys.executable, "-c", COLD, *words], capture_output=True, check=True)
            for _ in range(repetitions)
        ]
        return [
            statistics.median(column)
            for column in zip(
                *([float(n) for n in run.stdout.split()] for run in runs), strict=True
            )
        ]

    alone, _ = medians()
    imported, rest = medians(name)
    click.echo(
        f"a new process: import of torch {min(alone, imported):.2f} s, all of zoo, loading and "
        f"the first face {rest:.2f} s, together {imported + rest:.2f} s (bar: 1)"
    )


def main() -> None:
    wanted = options()
    torch.set_num_threads(1)
    at_128(wanted.weights, wanted.repetitions)
    cold(wanted.weights, wanted.repetitions)
    at_512(wanted.repetitions)


if __name__ == "__main__":
    main()
