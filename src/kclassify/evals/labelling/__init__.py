"""People label a sample: a page on their own machine, a file that every label lands in at once."""
