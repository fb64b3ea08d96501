"""What rules' intervals and campaigns' limits leave, read and written under lock."""
