"""Django's PostgreSQL, except that a broken connection is replaced by itself."""
