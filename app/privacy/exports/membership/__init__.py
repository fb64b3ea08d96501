"""What a copy says of somebody as a member."""
