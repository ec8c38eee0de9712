"""Which software a job runs in: image URIs are looked up here, not pulled."""
