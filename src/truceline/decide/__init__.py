"""What people decide, kept in order: the consultation as a pure state machine, its clocks, its laws and its board."""
