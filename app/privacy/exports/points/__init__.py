"""What a copy says of points."""
