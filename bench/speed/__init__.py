"""How fast the degradation engine and scoring are, against what people use today.

It times and reports; it never decides anything, and no other part of the project imports it.
"""
