"""The wire: names, connections, the way in and out."""
