"""Protocols: what each published way of scoring face restorers computes, by name.

`bench.suite.protocols.table` holds them, `bench.suite.protocols.selection` turns a suite's metrics
into theirs.
"""
