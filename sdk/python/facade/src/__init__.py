"""The names of the platform's runtime that abilities import. What is behind them is
in `ability_facade`."""
