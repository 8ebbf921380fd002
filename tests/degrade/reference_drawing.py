"""A second drawing of plans: one stream a step, one number at a time, as the recipes say it.

Shared by tests; written for reading, not for speed.
"""

from degrade.ops import OPERATIONS, Number
from degrade.planner.plan import Step
from degrade.planner.resolve import resolve, scaled
from degrade.random import Stream, StreamKey, image_id_bits
from degrade.recipe.distributions import Fixed
from degrade.recipe.recipe import Group


def steps_of(recipe, *, seed, image_id, size, variant=0):
    key = StreamKey(seed, image_id_bits(image_id), variant)
    draft = Draft(key, size, recipe.size if recipe.scale_with_size else None)
    if Stream(key, 0).unit() >= recipe.untouched:
        draft.group(recipe.root)
    return tuple(draft.steps)


class Draft:
    def __init__(self, key, size, meant):
        self.key, self.source, self.meant_source = key, size, meant
        self.sizes = {"lq": size, "hq": size}
        self.meant = {"lq": meant, "hq": meant}
        self.steps = []

    def group(self, group):
        stream = Stream(self.key, group.slot)
        happens = stream.unit() < group.probability
        if group.slot and not happens:
            return
        chosen = list(range(len(group.members)))
        if group.kind == "one_of":
            chosen = [stream.choice(group.weights)]
        if group.kind == "some_of":
            count, left, weights = group.count.draw(stream), chosen, list(group.weights)
            chosen = []
            while len(chosen) < min(count, sum(weight > 0 for weight in group.weights)):
                place = stream.choice(weights)
                chosen.append(left.pop(place))
                weights.pop(place)
            chosen.sort()
        if group.shuffle:
            chosen = stream.shuffled(chosen)
            held = sorted(place for place in chosen if place in group.in_order)
            chosen = [held.pop(0) if place in group.in_order else place for place in chosen]
        for place in chosen:
            member = group.members[place]
            self.group(member) if isinstance(member, Group) else self.step(member)

    def step(self, step):
        stream = Stream(self.key, step.slot)
        if stream.unit() >= step.probability:
            return
        operation = OPERATIONS[step.operation]
        specs = operation.parameters
        values = {name: spec.default for name, spec in specs.items() if spec.default is not None}
        drawn = {
            name: value.value if isinstance(value, Fixed) else value.draw(stream)
            for name, value in step.parameters.items()
        }
        halves = ("lq", "hq") if step.target == "both" else (step.target,)
        size = self.sizes[halves[0]]
        if self.meant_source is not None:
            meant = self.meant[halves[0]]
            asked = scaled(operation, drawn, min(size) / min(meant))
            if operation.resizes:
                told = resolve(OPERATIONS[step.operation], values | drawn, meant, self.meant_source)
                self.meant |= dict.fromkeys(halves, (told["height"], told["width"]))
            drawn = asked
        values = resolve(OPERATIONS[step.operation], values | drawn, size, self.source)
        if operation.resizes:
            self.sizes |= dict.fromkeys(halves, (values["height"], values["width"]))
        kept = {
            name: float(values[name]) if isinstance(spec, Number) else values[name]
            for name, spec in specs.items()
        }
        self.steps.append(Step(step.operation, step.slot, step.target, kept))
