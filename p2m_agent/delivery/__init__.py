"""From a trained student to something people use."""
