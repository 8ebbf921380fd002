"""The restorers that can be trained, by design."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from torch import nn

from zoo.networks.config import network_config
from zoo.networks.restoration.style import StyleConfig, StyleRestorer
from zoo.networks.restoration.unet import UNet, UNetConfig

__all__ = ["DESIGNS", "RestorerConfig", "build_network", "restorer_config"]

RestorerConfig: TypeAlias = StyleConfig | UNetConfig

DESIGNS: Mapping[str, type[RestorerConfig]] = MappingProxyType(
    {kind.design: kind for kind in (StyleConfig, UNetConfig)}
)
"""Design → its sizes; the first where a record names none."""


def restorer_config(record: object) -> RestorerConfig:
    """Return the sizes that a record describes; errors as `network_config`'s."""
    return network_config(record, DESIGNS)


def build_network(config: RestorerConfig) -> nn.Module:
    """Return a new network: ``network(faces, mask)``, see `StyleRestorer.forward`."""
    return UNet(config) if isinstance(config, UNetConfig) else StyleRestorer(config)
