"""Synthetic identity documents and photographs of them, for the demo, the tests and the benchmark. Nobody in them exists."""
