"""What a face shows: action units, expressions, brief events and words, computed from blendshape weights."""
