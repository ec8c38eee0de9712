"""SQS: standard queues, as much as Callback steps and scripts need of them."""
