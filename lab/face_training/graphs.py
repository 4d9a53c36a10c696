"""A network as ONNX graphs, all of which share one file of weights."""

from __future__ import annotations

import json
import struct
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save
from torch import nn

from face_inference.model_folder import CARRIED, CARRIED_FLOAT16, FACES_AXIS, STEP, WEIGHTS, WINDOW, Ring
from face_training.networks.base import FaceNetwork
from face_training.networks.step import Step, Window

OPSET = 17
"""Read by ONNX Runtime 1.12 and newer, and by TensorRT 8.5 and newer."""

_EXAMPLE_FACES = 2
_PREFIX = "network."


def export_graphs(network: FaceNetwork, folder: Path) -> tuple[Ring, ...]:
    """Write weights and every graph of a network, any architecture; files are the same for the same weights."""
    network.eval()
    rings = tuple(Ring(name, shape.length, shape.width) for name, shape in network.ring_shapes().items())
    weights = save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    (folder / WEIGHTS).write_bytes(weights)
    names = ["inputs", "ticks", *(ring.name for ring in rings)]
    outputs = ["weights", "confidence", *(f"next_{ring.name}" for ring in rings)]
    example = Step(network).example(_EXAMPLE_FACES)
    step = _traced(Step(network), example, names, outputs, folder)
    carried = _traced(Step(network, carries=True), example, names, outputs, folder)
    inputs = example[0][:, None].repeat(1, network.window_ticks, 1)  # (B, N, I)
    window = _traced(Window(network), (inputs,), names[:1], outputs[:2], folder)
    for name, graph in ((STEP, step), (CARRIED, carried), (WINDOW, window)):
        _write(graph, folder / name)
    _write(with_half_products(carried), folder / CARRIED_FLOAT16)
    return rings


def with_half_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with every matrix product in float16; all that is added up or normalised stays float32.

    Casts of weights are folded when an engine is built; those in between are fused with their neighbours.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    nodes: list[onnx.NodeProto] = []
    cast: dict[str, str] = {}
    for node in half.graph.node:
        if node.op_type not in ("MatMul", "Gemm"):
            nodes.append(node)
            continue
        for i, name in enumerate(node.input):
            if name not in cast:
                cast[name] = f"{name}_halved"
                nodes.append(helper.make_node("Cast", [name], [cast[name]], to=TensorProto.FLOAT16))
            node.input[i] = cast[name]
        result = node.output[0]
        node.output[0] = f"{result}_half"
        nodes += [node, helper.make_node("Cast", [node.output[0]], [result], to=TensorProto.FLOAT)]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    del half.graph.value_info[:]
    return half


def _traced(
    module: nn.Module, example: tuple[torch.Tensor, ...], inputs: list[str], outputs: list[str], folder: Path
) -> onnx.ModelProto:
    """A graph whose weights are references into `WEIGHTS`."""
    part = folder / "traced.onnx"
    required = [p for p in module.parameters() if p.requires_grad]
    for parameter in required:  # a weight that is rearranged becomes a constant, and constants have no gradient
        parameter.requires_grad_(False)
    with warnings.catch_warnings():
        # The tracing exporter needs no further package; PyTorch would rather sell the new one. Its other warnings are
        # on sizes that become constants, as they should: every shape but the number of faces is fixed.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(part),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes={name: {0: FACES_AXIS} for name in (*inputs, *outputs)},
            opset_version=OPSET,
            do_constant_folding=False,  # or weights would be copied into the graph, turned
            dynamo=False,
        )
    for parameter in required:
        parameter.requires_grad_(True)
    model = onnx.load(str(part))
    part.unlink()
    with torch.no_grad():
        results = module(*example)
    # Said outright, whatever the exporter made of them: an input that is not used, a size that it could not tell.
    for edge, names, tensors in ((model.graph.input, inputs, example), (model.graph.output, outputs, results)):
        del edge[:]
        edge.extend(_edge(name, tensor) for name, tensor in zip(names, tensors, strict=True))
    onnx.checker.check_model(model, full_check=True)
    _refer_to_weights(model, folder / WEIGHTS)
    return model


def _edge(name: str, tensor: torch.Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [FACES_AXIS, *tensor.shape[1:]])


def _refer_to_weights(model: onnx.ModelProto, weights: Path) -> None:
    """Replace the values of initializers that are in the file of weights by their place there.

    A safetensors file is its header's length (uint64), the header in JSON and then the tensors' plain bytes; ONNX
    external data are plain bytes at an offset of a file in the graph's folder.
    """
    content = weights.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    for tensor in model.graph.initializer:
        entry = header.get(tensor.name.removeprefix(_PREFIX))
        if entry is None or tensor.data_type != TensorProto.FLOAT:
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        stored = np.frombuffer(content[begin:end], np.float32).reshape(entry["shape"])
        assert np.array_equal(numpy_helper.to_array(tensor), stored), f"{tensor.name} is not what was saved"
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (("location", WEIGHTS), ("offset", begin), ("length", end - begin)):
            tensor.external_data.add(key=key, value=str(value))


def _write(model: onnx.ModelProto, path: Path) -> None:
    path.write_bytes(model.SerializeToString(deterministic=True))
