"""The transparency log: an RFC 6962 tree as C2SP tiles, signed notes, checkpoints, trust policies and proofs."""
