import json

import pytest

torch = pytest.importorskip("torch")

from zoo.networks.restoration.designs import (  # noqa: E402
    build_network,
    design_of,
    network_config,
    network_record,
)
from zoo.networks.restoration.style import StyleConfig, StyleRestorer  # noqa: E402
from zoo.networks.restoration.unet import UNet, UNetConfig  # noqa: E402

STYLE = StyleConfig(64, {8: 16, 16: 12, 32: 8}, style=8, start="encoder")
PLAIN = UNetConfig(64, {16: 12, 32: 8})


@pytest.mark.parametrize(
    ("config", "design", "network"), [(STYLE, "style", StyleRestorer), (PLAIN, "unet", UNet)]
)
def test_a_configuration_survives_json_and_builds_its_design(config, design, network):
    record = network_record(config)
    assert record["design"] == design_of(config) == design
    assert network_config(record) == config
    assert network_config(json.loads(json.dumps(record))) == config
    assert isinstance(build_network(config), network)


def test_a_record_without_a_design_is_a_style_restorers():
    assert network_config({"size": 64, "channels": {16: 8, 32: 8}}) == StyleConfig(
        64, {16: 8, 32: 8}
    )


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"design": "gan", "size": 64}, "no design 'gan'"),
        ({"design": "unet", "size": 64, "channels": {16: 8, 32: 8}, "style": 8}, "style"),
        ({"size": 64, "channels": {"a": 8}}, "invalid literal"),
    ],
)
def test_what_describes_no_network_is_refused(record, told):
    with pytest.raises((TypeError, ValueError), match=told):
        network_config(record)
