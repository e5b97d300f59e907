"""Tables, column types and every line of SQL."""
