"""The backends: each runs launches (trueno.plan) and knows nothing of arrays or graphs."""
