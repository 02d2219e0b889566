"""Sensor segments: ten seconds of a sensor's messages, hash-chained and signed on the device, checked on receipt."""
