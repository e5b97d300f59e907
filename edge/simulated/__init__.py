"""Devices that are not there: each behaves as its hardware would."""
