"""The statements that forget one kind of data of a person."""
