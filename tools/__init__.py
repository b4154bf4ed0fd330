"""The tools: one file, one tool. No code imports them by name; `load_tools` finds them."""
