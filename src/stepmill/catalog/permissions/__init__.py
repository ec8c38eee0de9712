"""What a role may do: IAM policies read, and held against an action on a resource."""
