"""Changing rows of other tasks into rows of this one."""
