"""One file a format. Each holds a `READER`, and `p2m_agent.rows.tables.opening` finds it by scanning this folder."""
