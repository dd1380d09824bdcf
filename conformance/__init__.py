"""Public test suites of the field, run on Trueno: ``python -m conformance SUITE``."""
