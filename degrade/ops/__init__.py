"""The operations: what each is called, what it takes, and the function that does it."""

from degrade.ops.operation import Boolean, Choice, Integer, Number, Operation, Parameter
from degrade.ops.registry import OPERATIONS

__all__ = ["OPERATIONS", "Boolean", "Choice", "Integer", "Number", "Operation", "Parameter"]
