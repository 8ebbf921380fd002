"""The operations: what each is called, what it takes, and the function that does it."""

from degrade.operations.spec import Boolean, Choice, Integer, Number, Operation, Parameter
from degrade.operations.table import OPERATIONS

__all__ = ["OPERATIONS", "Boolean", "Choice", "Integer", "Number", "Operation", "Parameter"]
