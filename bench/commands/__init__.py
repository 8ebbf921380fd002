"""The commands of ``bench``, one file each."""
