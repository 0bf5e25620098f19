"""What drivers report by the QR code on the sign post, and what staff log: kept, dealt with, and told to others."""
