"""What runs a network: each engine in a module of its own behind `protocol.Engine`; `choice` says which."""

ENGINES = ("auto", "onnxruntime", "tensorrt", "onnxruntime-cuda", "onnxruntime-tensorrt", "pytorch")
"""Names that may be asked for; `auto` takes the fastest that works."""

PRECISIONS = ("auto", "float32", "float16")
"""What may be asked to be computed in; float16 is TensorRT's, whose automatic choice it is."""
