"""Shipped for tests: laws every stage keeps, records made to measure, scenarios with known truth."""
