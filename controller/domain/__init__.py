"""The count itself, pure: facts with their time go in, frozen states come out.

No clock, thread, I/O or logging here, and no import of ours from outside this package.
"""
