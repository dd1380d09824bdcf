"""Layers of neural networks without state: linear, convolution, pooling."""
