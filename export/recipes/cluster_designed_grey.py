"""The clusters as they were designed, of pictures in grey: the encoder of an autoencoder with two values between."""

from export.families.bottleneck import BottleneckRecipe

RECIPE = BottleneckRecipe("cluster_designed_grey", colours=1)
build, make, complete = RECIPE.build, RECIPE.make, RECIPE.complete
