"""What a car park does to a computer, done on purpose: the experiments behind docs/reliability.md.

``python -m torture`` (``make torture``) runs them all, long; ``test_*.py`` beside them run them short, with every test.
Each prints its seed, and takes one, so that a failure can be run again.
"""
