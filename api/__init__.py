"""The REST interface and what devices call over HTTP."""
