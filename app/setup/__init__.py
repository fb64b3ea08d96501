"""Setup: a community from a preset, and the demo community.

Presets are data (presets/*.toml): rules, shops, rewards with the field's real numbers, changed
freely after creation. The demo adds a small neighbourhood of people with a past week, so that
every page shows something. Called by the command line only.
"""
