"""Studies that were run once to decide something; not part of the installed package."""
