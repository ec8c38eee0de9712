"""EventBridge: buses, rules, targets, and events that come in."""
