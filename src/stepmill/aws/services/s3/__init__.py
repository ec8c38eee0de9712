"""S3 over the object store: each module answers the operations of one subject."""
