"""Who hears of it: buses, rules, schedules, targets."""
