"""What all tests share."""

pytest_plugins = ("fixtures_broker", "fixtures_browser", "fixtures_site")
