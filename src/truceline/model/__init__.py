"""The nouns, in order of birth; a record is frozen, checked when built, and every number names its unit."""
