"""What comes in: pins and messages, turned into facts with their time."""
