"""Events to attributions: with what probability it was whose conduct, by the dated line; undetermined is an answer."""
