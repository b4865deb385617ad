"""The doors: one folder a kind of system. Connectors never import each other."""
