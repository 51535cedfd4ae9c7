"""The clusters as they were designed, of pictures in colour: the encoder of an autoencoder with two values between."""

from export.families.bottleneck import BottleneckRecipe

RECIPE = BottleneckRecipe("cluster_designed", colours=3)
build, make, complete = RECIPE.build, RECIPE.make, RECIPE.complete
