"""Protocols: what each published way of scoring face restorers computes, by name.

`bench.protocols.table` holds them, `bench.protocols.choosing` turns a suite's metrics into theirs.
"""
