"""How fast the degradation engine is, against what people use today; see `bench.speed.measure`.

It times and reports; it never decides anything, and no other part of the project imports it.
"""
