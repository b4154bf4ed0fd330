"""An agent from outside at the wheel: the tools as an MCP server, behind the same gate."""
