"""What a caller may do: which actions on which resources a call is, and who allows them."""
