"""What one kind of evidence says about an event: one file for each modality, one likelihood for all."""
