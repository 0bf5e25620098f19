"""What all tests share."""

import os

from hypothesis import settings

pytest_plugins = ("fixtures_broker", "fixtures_browser", "fixtures_site", "fixtures_service")

# Property tests draw the same examples in each run, so that a failure is the change's and not the draw's.
# HYPOTHESIS_PROFILE=default draws new ones, to look for what nobody thought of.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
