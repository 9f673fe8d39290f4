"""cqtui: replay a log of LLM calls on cheaper models and say, with evidence, whether to switch."""

__version__ = "0.1.0"
