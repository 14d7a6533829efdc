"""Forms: what one may be, and what a submission must be."""
