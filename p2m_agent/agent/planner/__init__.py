"""The controller: an LLM that calls tools, and the rules that stand in for it."""
