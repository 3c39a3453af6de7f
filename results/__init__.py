"""Parquet parts of judged programs, and what they say: pass@k, intervals, tables, plots."""
