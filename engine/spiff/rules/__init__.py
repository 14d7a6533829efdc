"""The host: one module for each rule by which tokens move."""
