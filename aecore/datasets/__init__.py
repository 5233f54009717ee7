"""Datasets: MNIST digits, and pictures brought to their form."""
