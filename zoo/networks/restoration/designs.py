"""The designs that can be trained, by name: their configuration and the network it describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from torch import nn

from zoo.networks.restoration.style import StyleConfig, StyleRestorer
from zoo.networks.restoration.unet import UNet, UNetConfig
from zoo.training.base.checked_values import checked_mapping

__all__ = ["NetworkConfig", "build_network", "design_of", "network_config", "network_record"]

NetworkConfig: TypeAlias = StyleConfig | UNetConfig


def network_config(record: Mapping[str, Any]) -> NetworkConfig:
    """Return the configuration that a mapping describes; ``design`` is ``style`` or ``unet``.

    Raises
    ------
    ValueError, TypeError
        An unknown design, key or value.
    """
    told = dict(checked_mapping("network", record))
    design = told.pop("design", "style")
    if "channels" in told:
        # JSON turns the sides into texts.
        channels = checked_mapping("channels", told["channels"])
        told["channels"] = {int(side): width for side, width in channels.items()}
    if design == "style":
        return StyleConfig(**told)
    if design == "unet":
        return UNetConfig(**told)
    raise ValueError(f"there is no design '{design}': use style or unet")


def design_of(config: NetworkConfig) -> str:
    """Return the name that `network_config` takes."""
    return "unet" if isinstance(config, UNetConfig) else "style"


def network_record(config: NetworkConfig) -> dict[str, Any]:
    """Return what `network_config` takes, JSON-ready but for the sides of ``channels``."""
    return {"design": design_of(config), **asdict(config)}


def build_network(config: NetworkConfig) -> nn.Module:
    """Return a new network: ``network(faces, mask)``, see `StyleRestorer.forward`."""
    return UNet(config) if isinstance(config, UNetConfig) else StyleRestorer(config)
