"""What a person must be told wherever restored faces are shown."""

from __future__ import annotations

__all__ = ["NOTICE"]

NOTICE = "Restored detail is invented; it is no evidence of who someone is."
