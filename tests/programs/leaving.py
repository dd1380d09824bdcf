"""Ways out: finally, atexit, a message as the status."""

import atexit
import os
import sys

import numpy as np

atexit.register(lambda: print("goodbye", np.arange(3).sum()))
sys.stdout.write("no newline")
sys.stdout.flush()
try:
    sys.exit(np.int64(4) if "--number" in sys.argv else "a message")
finally:
    print(" finally", os.path.basename(sys.argv[0]))
