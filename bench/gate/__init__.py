"""The gate: whether a run is worse than a baseline by more than rules allow, for CI.

`bench.gate.gate` decides, `bench.gate.rules` reads the rules, the others lay out the verdict.
"""
