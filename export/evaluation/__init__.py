"""How good models are: measures, baselines and plots that recipes and benchmarks share. Nothing here trains."""
