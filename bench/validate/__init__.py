"""Calibration: does this installation compute each column as it is defined? `bench calibrate`.

Four kinds of answers are held against the metrics: closed forms, known answers, values of other
implementations on pictures made here, and, where someone has the pictures, a published table.
"""
