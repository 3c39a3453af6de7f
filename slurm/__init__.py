"""Jobs and arrays through submitit. Imports no other floor."""
