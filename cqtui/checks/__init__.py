"""Pure checks of answers: refusals, matches, JSON, numbers, tool calls."""
