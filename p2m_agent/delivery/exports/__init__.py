"""Ways out, one file each: a module that holds an `EXPORT`."""
