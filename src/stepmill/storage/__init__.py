"""Where things are kept: objects in a folder, metadata in a database."""
