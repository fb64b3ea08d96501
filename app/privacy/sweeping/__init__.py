"""The statements that carry out retention periods."""
