"""The signatures behind a table's columns: no value is shown without what decides it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["signature_block", "signature_sentence"]


def signature_block(signatures: Mapping[str, str]) -> str:
    """Return a line for each metric, aligned, under the word ``signatures``.

    Parameters
    ----------
    signatures
        Metric to signature.
    """
    width = max(map(len, signatures), default=0)
    lines = [f"  {name.ljust(width)}  {signature}" for name, signature in signatures.items()]
    return "\n".join(["signatures", *lines])


def signature_sentence(signatures: Mapping[str, str], code: str = "`") -> str:
    """Return them as one sentence, each between two signs of ``code``."""
    listed = "; ".join(
        f"{name} is {code}{signature}{code}" for name, signature in signatures.items()
    )
    return f"Signatures: {listed}."
