"""What a problem with tests is, the jail, the judge, verdicts and line traces."""
