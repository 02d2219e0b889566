"""Everything used, and everything known and not used, for one finding, as canonical bytes that anyone can check."""
