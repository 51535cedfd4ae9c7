"""Speed against peers, side by side in one run: ``make bench`` or ``python -m benchmarks [NAME …]``.

The machine may be shared and noisy: figures are minima or medians of processor time and ratios within the run.
"""
