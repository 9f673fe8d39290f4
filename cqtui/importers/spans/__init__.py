"""Spans of OpenTelemetry: where they hold what was asked and answered, and what they say of the call beside it."""
