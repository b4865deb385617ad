"""The river: stages that take data and give data. They never import each other."""
