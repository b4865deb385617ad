"""The return: graded items and grades from the LMS's gradebook to the SIS's. Knows no Django and no connector by name."""
