from .dataset.reader import StoredPairs as StoredPairs
from .dataset.sources import open_source as open_source
from .engine.apply import apply as apply
from .engine.apply import apply_pair as apply_pair
from .errors import UserError as UserError
from .feed.data_pool import Batch as Batch
from .feed.data_pool import DataPool as DataPool
from .feed.data_pool import Family as Family
from .feed.paired_dataset import Pair as Pair
from .feed.paired_dataset import PairedDataset as PairedDataset
from .planner.plan import Plan as Plan
from .planner.plan import Step as Step
from .planner.plan import plan as plan
from .recipe.recipe import Recipe as Recipe
from .recipe.recipe import list_recipes as list_recipes
from .recipe.recipe import load_recipe as load_recipe

__version__: str
