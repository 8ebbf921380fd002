from .dataset.paired_dataset import Pair as Pair
from .dataset.paired_dataset import PairedDataset as PairedDataset
from .dataset.reader import StoredPairs as StoredPairs
from .dataset.sources import open_source as open_source
from .engine.apply import apply as apply
from .engine.apply import apply_pair as apply_pair
from .errors import UserError as UserError
from .feed.data_pool import Batch as Batch
from .feed.data_pool import DataPool as DataPool
from .feed.data_pool import Family as Family
from .planner.draw import plan as plan
from .planner.plan import Plan as Plan
from .planner.plan import Step as Step
from .recipe.reader import list_recipes as list_recipes
from .recipe.reader import load_recipe as load_recipe
from .recipe.recipe import Recipe as Recipe

__version__: str
