"""The sign process: a message in, pixels out, dark when nothing fresh comes."""
