"""The nouns that cross a boundary (disk, LLM, person): one file a family."""
