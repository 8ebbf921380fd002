"""The loop's state and one step of it; a run resumed equals a run never stopped."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from degrade.images import atomic_file
from zoo.describing.batches import IdentityBatch
from zoo.describing.config import DescriptorTraining, descriptor_training
from zoo.networks.arcface import paired_margin_loss
from zoo.networks.face_descriptor import FaceDescriptor
from zoo.training.config import TrainingError, told_differences
from zoo.weights import load_checkpoint

__all__ = ["DescriptorTrainer"]


class DescriptorTrainer:
    """The descriptor, its optimiser and the number of steps done.

    Parameters
    ----------
    config
        See `DescriptorTraining`.
    device
        Where to train.
    """

    def __init__(self, config: DescriptorTraining, device: torch.device) -> None:
        self.config, self.device, self.done = config, device, 0
        self.begun_from = ""
        """sha256 of the weights file that the run began from, or an empty text."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = FaceDescriptor(config.network)
        layout = torch.channels_last
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        told = list(self.network.parameters())
        self._optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in told if p.dim() > 1], "weight_decay": config.weight_decay},
                # Norms and slopes.
                {"params": [p for p in told if p.dim() <= 1], "weight_decay": 0.0},
            ],
            config.learning_rate,
        )

    def step(self, batch: IdentityBatch) -> dict[str, float]:
        """Learn from one batch; return its loss, and the share of faces told right.

        Right is where a degraded face is nearest to its own photograph's other view.
        """
        count = len(batch.labels)
        faces = torch.cat([batch.degraded, batch.clean])
        faces = faces.to(self.device, memory_format=torch.channels_last)
        labels = batch.labels.to(self.device)
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        self.network.train()
        wanted = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=wanted):
            one, other = self.network(faces).split(count)
        loss = paired_margin_loss(one, other, labels, self.margin, self.config.scale)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self.done += 1
        with torch.no_grad():
            right = (labels[(one @ other.T).argmax(dim=1)] == labels).float().mean()
        return {"loss": float(loss.detach()), "right": float(right)}

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        config, done = self.config, self.done
        if done < config.warmup:
            return config.learning_rate * (done + 1) / config.warmup
        along = (done - config.warmup) / max(1, config.steps - config.warmup)
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))

    @property
    def margin(self) -> float:
        """The margin that the next step asks for, radians."""
        growing = self.config.margin_warmup * self.config.steps
        return self.config.margin * (min(1.0, self.done / growing) if growing else 1.0)

    def begin_from(self, tensors: Mapping[str, Tensor], digest: str) -> None:
        """Take up a descriptor's weights, those of a file with that sha256, before the first step.

        Raises TrainingError where they are of other sizes.
        """
        _fill(self.network, tensors, "the weights to begin from")
        self.begun_from = digest

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        record = {
            "task_config": repr(self.config.as_record()),
            "done": self.done,
            "begun_from": self.begun_from,
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        with atomic_file(path) as file:
            torch.save(record, file)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote.

        Raises
        ------
        TrainingError
            Another configuration's (the message names the keys that differ), or another version's.
        WeightsRefused
            It is no such file.
        """
        record = load_checkpoint(path)
        if not isinstance(record, dict) or not isinstance(record.get("task_config"), str):
            raise TrainingError(
                f"{path} is no state of a descriptor's training: give another --out"
            )
        before = _config_in(record["task_config"], path)
        if differing := told_differences(before.as_record(), self.config.as_record()):
            raise TrainingError(
                f"{path} was begun with another configuration ({differing}): "
                "give another --out, or delete it"
            )
        try:
            _fill(self.network, record["network"], path)
            self._optimiser.load_state_dict(record["optimiser"])
            self.done, self.begun_from = int(record["done"]), str(record["begun_from"])
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise _unreadable(path, str(error)) from error


def _config_in(text: str, path: Path) -> DescriptorTraining:
    try:
        return descriptor_training(ast.literal_eval(text))
    except (AttributeError, RecursionError, SyntaxError, TypeError, ValueError) as error:
        raise _unreadable(path, f"its configuration: {error}") from error


def _unreadable(path: Path, reason: str) -> TrainingError:
    told = reason.splitlines()[0] if reason else "unreadable"
    return TrainingError(
        f"{path} is damaged or of another version of Relume ({told}): give another --out, or "
        "use that version"
    )


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], source: Path | str) -> None:
    """Give the network these tensors; TrainingError where its layers are others."""
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: getattr(tensor, "shape", None) for name, tensor in tensors.items()}
    if wanted != found:
        name = next(n for n in {**wanted, **found} if wanted.get(n) != found.get(n))
        raise TrainingError(
            f"{source} is of a network that differs at {name}: give another --out, or weights of "
            "the same sizes"
        )
    network.load_state_dict(tensors)
