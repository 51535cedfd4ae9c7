"""Training and conversion need TensorFlow, which a user need not have."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install --editable '.[export]')")
