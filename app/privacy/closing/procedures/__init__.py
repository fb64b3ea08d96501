"""What becomes of the claims, appeals, duties and remarks of whoever leaves."""
