"""The parts of benchmarks/web.py that look at the console: what a browser downloads, and how long a page takes."""
