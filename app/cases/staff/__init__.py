"""The desk at which workers and the committee handle cases."""
