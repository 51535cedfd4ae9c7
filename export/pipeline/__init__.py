"""What every recipe shares: training, conversion, stateful form, verification, quantisation, and the release of model and card."""
