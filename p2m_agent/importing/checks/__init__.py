"""What a careful colleague would look for in rows before training: is the question worth a model, is it given away."""
