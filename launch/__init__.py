"""Hydra config → plan of stages → jobs; run directories, progress, resume."""
