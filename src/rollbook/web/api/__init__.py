"""The JSON API: what the pages do, for programs. One table of operations makes addresses and OpenAPI document."""
