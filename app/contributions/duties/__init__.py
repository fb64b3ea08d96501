"""Standing duties: who holds one is awarded for each month, by one job, once."""
