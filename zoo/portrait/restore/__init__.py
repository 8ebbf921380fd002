"""Restore the faces of one photo: crops, batch, identity gate, stages."""
