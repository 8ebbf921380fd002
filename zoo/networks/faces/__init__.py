"""Networks that recognise, find or describe faces."""
