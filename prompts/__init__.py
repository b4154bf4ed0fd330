"""The prompts: one Markdown file each, rendered by `p2m_agent.prompting.render`."""
