"""The telemetry store: readings, newest values, presence, what was refused."""
