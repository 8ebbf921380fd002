"""A build's pictures in shards: cut, worked on one by one, marked as done, joined in order."""

from degrade.shards.cutting import Job, Shard, cut, job_of, shard_count
from degrade.shards.markers import Markers
from degrade.shards.work import Done, do_shard

__all__ = ["Done", "Job", "Markers", "Shard", "cut", "do_shard", "job_of", "shard_count"]
