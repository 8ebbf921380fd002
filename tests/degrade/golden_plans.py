"""Digests of the first plans of every shipped recipe; run as a program it prints them.

They were taken before planning was made faster, with one stream for each step: a change of any
drawn value, of the order of steps or of a default shows.
"""

import hashlib
import json
import sys
from dataclasses import asdict

import degrade

COUNT = 2000
SIZES = ((512, 512), (128, 96), (1024, 1024), (37, 91))


def digest_of_plans(name, count=COUNT):
    """Return the sha256, shortened, of the steps of plans of several seeds, sizes and variants."""
    recipe = degrade.load_recipe(name)
    found = hashlib.sha256()
    for number in range(count):
        plan = degrade.plan(
            recipe,
            seed=2**40 * (number % 3) + 7,
            image_id=f"faces/{number // 2}.png",
            size=SIZES[number % 4],
            variant=number % 2,
        )
        steps = [asdict(step) for step in plan.steps]
        found.update(json.dumps(steps).encode())  # keeps the order of the parameters
    return found.hexdigest()[:16]


if __name__ == "__main__":
    for recipe in sys.argv[1:] or degrade.list_recipes():
        print(f'    "{recipe}": "{digest_of_plans(recipe)}",')  # noqa: T201
