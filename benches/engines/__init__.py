"""One way each to apply the five rules: ``python -m benches.engines.NAME LOG OUT.parquet``."""
