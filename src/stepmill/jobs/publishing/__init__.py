"""What is published on a topic: who is to be told, in which form, and how it gets there."""
