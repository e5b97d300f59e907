"""One file a page: layout and thin callbacks."""
