"""Events and series held against an agreement: findings per event, adherence per window and domain."""
