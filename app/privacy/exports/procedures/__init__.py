"""What a copy says of claims, lists, duties, deductions, remarks and appeals."""
