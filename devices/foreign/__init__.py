"""Devices that were not written for Gatehouse: what they announce, say and understand; pure."""
