"""The return: graded items and grades from the LMS to the SIS. Knows no Django and no connector by name."""
