"""One module a page, named like its tab."""
