"""Two CNNs that name the category of a photograph, and what they see in pictures of a CLIP that saw photographs.

``python -m benchmarks.photographs train FOLDER`` trains the judges, ``measure`` asks them about the photographs
that were kept apart, and ``judge FOLDER --model FILE`` renders and judges pictures of a model.
"""
