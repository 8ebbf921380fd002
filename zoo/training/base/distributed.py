"""Several processes that train one network, each on its part of the same batch.

``torchrun`` starts them and tells each its place by environment variables. Gradients are averaged
by hand rather than by `DistributedDataParallel`: the restorer's backward pass starts from a
gradient that is put together at the faces, and the discriminator learns in some passes only.
Knows nothing of losses or of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from zoo.training.base.config import TrainingError

__all__ = ["Processes", "joined"]


@dataclass(frozen=True, slots=True)
class Processes:
    """One process among those that train together; by default it is alone."""

    rank: int = 0  # 0 to ``count`` − 1; only the first writes files
    count: int = 1  # how many there are
    on_this_machine: int = 1  # how many of them share this machine's memory

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def part(self, batch_size: int) -> range:
        """Return which places of every batch are this process's.

        Raises TrainingError for a batch that cannot be shared equally: the mean of unequal parts'
        means is not the mean of the batch.
        """
        if batch_size % self.count:
            raise TrainingError(
                f"a batch of {batch_size} faces cannot be shared equally by {self.count} "
                "processes: use a number of processes that divides it"
            )
        share = batch_size // self.count
        return range(self.rank * share, (self.rank + 1) * share)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace the tensors, of one dtype and device, by their means over the processes.

        They travel as one, and every process ends with the same bytes.
        """
        if self.count == 1 or not tensors:
            return
        together = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(together)
        together /= self.count
        pieces = torch.split(together, [tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view_as(tensor))

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, torch.device]]:
    """Join the processes that ``torchrun`` started; yield this one's place and its device.

    Parameters
    ----------
    device
        ``cpu`` (gloo) or ``cuda`` (NCCL, a GPU for each process of a machine). Without
        ``torchrun`` the process is alone.

    Raises
    ------
    TrainingError
        There is no such device, or there are fewer GPUs than processes on this machine.
    """
    count, local = (int(os.environ.get(name, "0")) for name in ("WORLD_SIZE", "LOCAL_RANK"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    own_device = _device(device, local)
    if count < 2:
        yield Processes(), own_device
        return
    if own_device.type == "cuda":
        torch.cuda.set_device(own_device)
    distributed.init_process_group("nccl" if own_device.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), here), own_device
    finally:
        distributed.destroy_process_group()


def _device(name: str, local: int) -> torch.device:
    if name == "cpu":
        return torch.device("cpu")
    if name != "cuda" or not torch.cuda.is_available():
        raise TrainingError(f"there is no device '{name}' here: use --device cpu")
    if local >= torch.cuda.device_count():
        raise TrainingError(
            f"process {local} has no GPU of its own, this machine has "
            f"{torch.cuda.device_count()}: lower --nproc-per-node"
        )
    return torch.device("cuda", local)
