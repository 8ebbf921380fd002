"""The commands of ``degrade``, one file a few."""
