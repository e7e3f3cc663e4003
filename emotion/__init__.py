"""The program that people touch: the command line."""
