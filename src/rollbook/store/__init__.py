"""The memory: the one Django app with tables. It keeps what others decide and decides nothing itself."""
