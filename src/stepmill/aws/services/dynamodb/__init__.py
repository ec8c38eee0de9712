"""DynamoDB: tables and items to AWS's clients."""
