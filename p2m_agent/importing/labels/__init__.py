"""What the cells of an output column say: labels and their spellings, sets of labels, rows that nobody labelled."""
