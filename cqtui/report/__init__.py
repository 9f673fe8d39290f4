"""From a recommendation to what people and programs read."""
