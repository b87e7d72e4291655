"""HTTP in, HTML out: one file a noun. Reads through `store`, changes through `actions`."""
