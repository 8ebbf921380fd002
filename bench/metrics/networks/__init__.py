"""Networks behind metrics; they import torch, so no listing of metrics imports them."""
