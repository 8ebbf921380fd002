"""Have other people's loaders touch no network and run no pickle, for as long as they load.

Settings of the process, put back afterwards: nothing else may load at the same time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

__all__ = ["is_of_network", "network_shut", "only_tensors"]

_SHUT = {
    **dict.fromkeys(
        ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
        "http://127.0.0.1:9",
    ),
    "no_proxy": "",
    "NO_PROXY": "",
}
"""Every client of the hub, of torch and of requests goes through a proxy that refuses at once: no
name is looked up and nothing hangs. Port 9 is the discard service of RFC 863, which nobody runs."""

_ONLY_TENSORS = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
"""Has ``torch.load`` refuse pickles with code whatever its caller asked for."""


@contextlib.contextmanager
def network_shut() -> Iterator[None]:
    """Have every connection refused at once for a while."""
    import urllib.request

    from huggingface_hub import constants

    # Both read the environment once only, and the hub asks five times where it is refused.
    hub, opener = constants.HF_HUB_OFFLINE, urllib.request._opener  # type: ignore[attr-defined]
    constants.HF_HUB_OFFLINE = True
    urllib.request.install_opener(None)
    try:
        with _settings(_SHUT):
            yield
    finally:
        constants.HF_HUB_OFFLINE = hub
        urllib.request.install_opener(opener)


def only_tensors() -> contextlib.AbstractContextManager[None]:
    """Have ``torch.load`` refuse pickles with code, whatever its caller asks for."""
    return _settings(_ONLY_TENSORS)


@contextlib.contextmanager
def _settings(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_of_network(error: BaseException | None) -> bool:
    """Tell whether an error, or one behind it, is a connection that was refused."""
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        # urllib and requests raise OSErrors; httpx, which huggingface_hub uses, has its own.
        if isinstance(error, OSError) or kinds & {"TransportError", "HfHubHTTPError"}:
            return True
        error = error.__cause__ or error.__context__
    return False
