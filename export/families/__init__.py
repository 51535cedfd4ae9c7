"""What the recipes of one family share: network, training and judging of models that differ in a few numbers."""
