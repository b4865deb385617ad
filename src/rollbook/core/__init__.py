"""The law: plan, slices, guard, apply, outcomes. Knows no connector by name and no Django."""
