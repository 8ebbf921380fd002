"""Runs in a peer's own environment, as a script: calls its packages on one array and times them.

It is started by `bench.speed.peers` with another Python, which need not have Relume, and must
import nothing of Relume, nor be imported by it. It reads one JSON object a line and answers
with one:

``{"call": {"package", "function", "arguments"}, "output": path}``
    prepares the call, runs it once and saves what it returned: ``{"version": ...}``.
``{"seconds": n}``
    CPU seconds of n calls: ``{"seconds": ...}``.

A failure of the peer is an answer too: ``{"error": ...}``.
"""

import importlib
import importlib.metadata
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

_DISTRIBUTIONS = {"albumentations": "albumentationsx", "imagecorruptions": "imagecorruptions"}


def _prepare(call: dict[str, Any], image: Any) -> Callable[[], Any]:
    package = importlib.import_module(call["package"])
    if call["package"] == "albumentations":
        arguments = {name: _tuples(value) for name, value in call["arguments"].items()}
        with warnings.catch_warnings():
            # It warns of an argument that it does not know, and goes on without it.
            warnings.simplefilter("error")
            transform = getattr(package, call["function"])(p=1.0, **arguments)
        return lambda: transform(image=image)["image"]
    arguments = dict(call["arguments"])
    seed, severity = arguments["seed"], arguments["severity"]
    numpy_random = importlib.import_module("numpy.random")

    def corrupt() -> Any:
        numpy_random.seed(seed)
        return package.corrupt(image, severity=severity, corruption_name=call["function"])

    return corrupt


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _seconds(function: Callable[[], Any], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        function()
    return time.process_time() - start


def _serve(image_path: str) -> None:
    numpy = importlib.import_module("numpy")
    importlib.import_module("cv2").setNumThreads(1)
    image = numpy.load(image_path)
    function: Callable[[], Any] | None = None
    # Whatever a peer prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "call" in request:
                function = _prepare(request["call"], image)
                numpy.save(request["output"], function())
                name = _DISTRIBUTIONS[request["call"]["package"]]
                answer: dict[str, Any] = {"version": importlib.metadata.version(name)}
            else:
                assert function is not None
                answer = {"seconds": _seconds(function, request["seconds"])}
        except Exception as error:  # a peer may fail in any way; the other side is told how
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
