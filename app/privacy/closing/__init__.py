"""The end of an account, and what must go when a person takes consent back."""
