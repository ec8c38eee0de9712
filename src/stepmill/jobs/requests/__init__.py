"""The request documents of AWS, read once: small frozen types with what the code behind them needs."""
