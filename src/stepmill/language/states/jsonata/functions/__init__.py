"""The functions that expressions may call: JSONata's own, and those that Step Functions adds."""
