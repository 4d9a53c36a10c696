"""From recorded takes to a model folder. PyTorch and ONNX are needed here and nowhere else."""
