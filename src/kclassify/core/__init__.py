"""The pure part: no await, no clock, no randomness, no input or output. `now` is an argument."""
