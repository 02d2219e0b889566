"""Bytes to observations or rejections; one decoder per modality, none knows another."""
