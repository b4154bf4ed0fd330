"""Language models behind one client: planner, teacher and judge."""
