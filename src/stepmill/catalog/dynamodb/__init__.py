"""Tables of items as DynamoDB keeps them. What values, keys and expressions mean is pure."""
