"""The clockwork: who works the queue, under which lease, and what follows when a worker dies."""
