"""The operations: what each is called, what it takes, and the function that does it.

A folder for each kind; its ``entries.py`` declares the operations, the code stands beside it.
"""

from degrade.ops.operation import (
    FAMILIES,
    Boolean,
    Choice,
    Integer,
    Ladder,
    Number,
    Operation,
    Parameter,
    Value,
)
from degrade.ops.registry import OPERATIONS

__all__ = [
    "FAMILIES",
    "OPERATIONS",
    "Boolean",
    "Choice",
    "Integer",
    "Ladder",
    "Number",
    "Operation",
    "Parameter",
    "Value",
]
