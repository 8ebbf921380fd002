"""Paste restored faces into the photo."""
