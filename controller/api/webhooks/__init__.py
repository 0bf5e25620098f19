"""Webhooks: what is new (``news``) is kept until it was taken (``outbox``), signed (``signing``), posted (``post``)."""
