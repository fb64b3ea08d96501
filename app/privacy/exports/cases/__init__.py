"""What a copy says of cases, and of photos and texts that were sent."""
