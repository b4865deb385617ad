"""The command line: one module a command group. It asks for things and shows them; it decides nothing."""
