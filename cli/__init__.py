"""The command line, one file a group; and how the server is run."""
