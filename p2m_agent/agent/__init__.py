"""The agent: its graph, its session, its policy."""
