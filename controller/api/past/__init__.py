"""What was: the history in the journal's file, read only, as figures, charts and spreadsheets."""
