"""IAM: roles and policies as names and documents. No permission is checked anywhere."""
