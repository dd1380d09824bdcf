"""The Python array API standard, version 2025.12: one file a chapter, the standard's words as names."""
