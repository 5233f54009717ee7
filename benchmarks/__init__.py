"""What is measured, one script a question; results.md holds what they printed, and where."""
