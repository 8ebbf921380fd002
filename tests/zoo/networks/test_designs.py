import json

import pytest

torch = pytest.importorskip("torch")

from zoo.networks.config import network_record  # noqa: E402
from zoo.networks.restoration.designs import build_network, restorer_config  # noqa: E402
from zoo.networks.restoration.style import StyleConfig, StyleRestorer  # noqa: E402
from zoo.networks.restoration.unet import UNet, UNetConfig  # noqa: E402

STYLE = StyleConfig(64, {8: 16, 16: 12, 32: 8}, style=8, start="encoder")
PLAIN = UNetConfig(64, {16: 12, 32: 8})


@pytest.mark.parametrize(
    ("config", "design", "network"), [(STYLE, "style", StyleRestorer), (PLAIN, "unet", UNet)]
)
def test_a_configuration_survives_json_and_builds_its_design(config, design, network):
    record = network_record(config)
    assert record["design"] == config.design == design
    assert restorer_config(record) == config
    assert restorer_config(json.loads(json.dumps(record))) == config
    assert isinstance(build_network(config), network)


def test_a_record_without_a_design_is_a_style_restorers():
    assert restorer_config({"size": 64, "channels": {16: 8, 32: 8}}) == StyleConfig(
        64, {16: 8, 32: 8}
    )


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"design": "gan", "size": 64}, "unknown design 'gan'"),
        ({"design": "unet", "size": 64, "channels": {16: 8, 32: 8}, "style": 8}, "style"),
        ({"size": 64, "channels": {"a": 8}}, "channels"),
    ],
)
def test_what_describes_no_network_is_refused(record, words):
    with pytest.raises(ValueError, match=words):
        restorer_config(record)
