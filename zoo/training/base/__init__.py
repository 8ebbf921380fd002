"""What every training shares: loop, state, logging, schedule, distribution."""
