"""The teacher: client, write-ahead cache, prices, the embedded model, the capability probe."""
