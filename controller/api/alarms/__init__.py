"""Alarms come to people: what is wrong (``rules``), in their words (``words``), sent (``courier``)."""
