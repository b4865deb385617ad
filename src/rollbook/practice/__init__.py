"""Practice systems: a SIS and an LMS to try Rollbook against. They import nothing else of Rollbook."""
