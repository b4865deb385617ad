"""Practice systems: a SIS, two LMSs and a district to try Rollbook on. They import nothing else of Rollbook."""
