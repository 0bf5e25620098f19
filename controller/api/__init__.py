"""The web process: API, live stream and pages."""
