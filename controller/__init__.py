"""The controller behind the sign at a car park's entrance: counts cars, and shows a free number that can be trusted."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("parking-controller")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
