"""What several benchmarks are made of: rivals, their cases, programs to run. The benchmarks themselves stand one floor up."""
