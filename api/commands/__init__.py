"""The command line of the platform, a module for each subject."""
