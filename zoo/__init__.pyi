from .portrait.pipeline import restore_photo as restore_photo
from .registry.registry import card as card
from .registry.registry import cards as cards
from .registry.registry import load as load
from .registry.registry import names as names
from .restorer import Card as Card
from .restorer import Image as Image
from .restorer import Restorer as Restorer
