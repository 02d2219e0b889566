"""Where the world is touched: files, stores, the clock. Adapters do not know one another."""
