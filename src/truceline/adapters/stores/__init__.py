"""The store: an append-only journal (SQLite) that is the only truth, and Parquet files that it names."""
