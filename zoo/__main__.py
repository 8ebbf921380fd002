"""``python -m zoo``: the command without its console script."""

from zoo.cli import main

main(prog_name="zoo")
