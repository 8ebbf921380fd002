"""Compare the lengths of a restorer's gradients, at the image and in its weights.

``python studies/measure_gradients.py CONFIG PACK --steps 120`` trains so many steps, the
discriminators alone at first as the configuration says, and prints for L1, the perceptual loss, all
losses but the adversarial one and the adversarial loss (weight 1) the length of the gradient at the
restored faces, in all weights and in the last layer.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch

from zoo.training.data.batches import FaceBatches
from zoo.training.data.device_batch import DeviceBatches
from zoo.training.data.face_pack import FacePack
from zoo.training.tasks.registry import load_training
from zoo.training.tasks.restorer.trainer import RestorerTrainer

CPU = torch.device("cpu")


def lengths(trainer, batch):
    """Return (at the image, in the weights, in the last layer) of each loss."""
    network = trainer.network
    restored = network(batch.lq, batch.mask)
    losses, loss = trainer.loss(restored, batch.hq, batch.right)
    _, adversarial = trainer.adversarial.loss(
        restored, batch.hq, batch.right, batch.parts, torch.Generator().manual_seed(0)
    )
    parameters = list(network.parameters())
    rows = {"l1": losses["l1"], "all others": loss, "adversarial": adversarial}
    if "perceptual" in losses:
        rows["perceptual, weighted"] = trainer.config.perceptual * losses["perceptual"]
    measured = {}
    for name, value in rows.items():
        image, *weights = torch.autograd.grad(
            value, [restored, *parameters], retain_graph=True, allow_unused=True
        )
        flat = torch.cat([each.flatten() for each in weights if each is not None])
        (last,) = torch.autograd.grad(value, network.last_layer, retain_graph=True)
        measured[name] = [float(each.norm()) for each in (image, flat, last)]
    return measured


@click.command(help=__doc__)
@click.argument("config_path", metavar="CONFIG")
@click.argument("pack_path", metavar="PACK", type=click.Path(path_type=Path))
@click.option("--steps", default=120, show_default=True)
def main(config_path, pack_path, steps):
    """Measure and print."""
    torch.set_num_threads(1)
    config, pack = load_training(config_path), FacePack(pack_path)
    batches = FaceBatches(config, pack)
    on_device = DeviceBatches(config, pack.template, CPU, masked=pack.masked)
    trainer = RestorerTrainer(config, CPU)
    for step in range(steps):
        trainer.step(on_device(batches[step]))
    click.echo(
        f"{'after ' + str(steps) + ' steps':24}{'image':>12}{'weights':>12}{'last layer':>12}"
    )
    for name, values in lengths(trainer, on_device(batches[steps])).items():
        click.echo(f"{name:24}" + "".join(f"{value:12.4g}" for value in values))


if __name__ == "__main__":
    main()
