"""Property tests that a slow machine finishes too: fewer examples, and time measured where it matters only."""

from hypothesis import settings

settings.register_profile("unit", max_examples=60, deadline=None)
settings.load_profile("unit")
