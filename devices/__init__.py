"""What devices are, say and do: plain functions."""
