"""Simulated traffic, for the demo: cars over loops, and what they do to mock pins and MQTT."""
