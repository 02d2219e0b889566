"""The engine: detections of a network of stations become located events, in compiled code on whole columns."""

from truceline.associate.engine.solve import solve_window

__all__ = ["solve_window"]
