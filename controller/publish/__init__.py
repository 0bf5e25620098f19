"""What the lot tells other systems."""
