"""A model pack for insightface's FaceAnalysis, built out of ONNX nodes: it proves loading, routing and rules, not accuracy.

A "face" is a square with a pure green frame; what is painted inside it decides the embedding. The detector has SCRFD's nine
outputs, the embedder turns 112 × 112 pixels into 512 numbers, the 3d68 model answers with one fixed head, the 2d106 with zeros.
"""

from __future__ import annotations

import pickle
import random
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FACE_SIDE = 192  # pixels of a painted face in a 640 × 640 picture
# Eyes, nose, corners of the mouth relative to the centre, as shares of the side.
LANDMARKS = ((-0.18, -0.12), (0.18, -0.12), (0.0, 0.06), (-0.14, 0.22), (0.14, 0.22))
DOT = 32  # the green dot in the middle that the detector looks for: one cell of stride 32


def build_pack(folder: Path, *, yaw_deg: float = 0.0) -> Path:
    """Write det.onnx, rec.onnx, 1k3d68.onnx and 2d106det.onnx; the head of 3d68 is turned by yaw_deg."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder / "det.onnx", *_detector())
    _save(folder / "rec.onnx", *_embedder())
    _save(folder / "1k3d68.onnx", *_fixed_landmarks(_head_turned(yaw_deg), 3309))
    _save(folder / "2d106det.onnx", *_fixed_landmarks(np.zeros(212, np.float32), 212))
    return folder


def paint(*seeds: int, side: int = 640, grain: float = 0.0, noise_seed: int = 0) -> np.ndarray:
    """(side, side, 3) uint8 RGB with one painted face per seed, from the middle of the left to the right."""
    picture = np.full((side, side, 3), 40, np.uint8)
    scale = side / 640
    face, dot = round(FACE_SIDE * scale), round(DOT * scale)
    places = {1: ((320, 320),), 2: ((160, 320), (448, 320))}[len(seeds)]
    for seed, (x, y) in zip(seeds, places, strict=True):
        rng = np.random.default_rng(seed)
        cells = rng.integers(0, 2, (6, 6, 1)) * np.array([255, 0, 255]) + np.array([0, 0, 0])
        inside = np.kron(cells, np.ones((face // 6, face // 6, 1)))
        inside = inside + np.random.default_rng(noise_seed).normal(0, grain, inside.shape)
        left, top = round(x * scale) - inside.shape[1] // 2, round(y * scale) - inside.shape[0] // 2
        picture[top : top + inside.shape[0], left : left + inside.shape[1]] = np.clip(inside, 0, 255)
        left, top = round(x * scale) - dot // 2, round(y * scale) - dot // 2
        picture[top : top + dot, left : left + dot] = (0, 255, 0)
    return picture


def some_seed(rng: random.Random) -> int:
    return rng.randrange(1 << 30)


def _detector() -> tuple[list[onnx.NodeProto], list, list, dict[str, np.ndarray]]:
    """Scores a cell of stride 32 by how green it is: mean of G - R - B over 32 × 32 pixels around the anchor."""
    constants = {
        "green": np.array([-1.0, 1.0, -1.0], np.float32).reshape(1, 3, 1, 1),
        "minus_flat": np.array([-1, 1], np.int64),
        "axis": np.array([1], np.int64),
        "never": np.array([0.0], np.float32),
        "steep": np.array([6.0], np.float32),
        "from": np.array([-2.4], np.float32),
        "box32": np.full((1, 4), FACE_SIDE / 2 / 32, np.float32),
        "marks32": np.array([LANDMARKS], np.float32).reshape(1, 10) * FACE_SIDE / 32,
        "zero4": np.zeros((1, 4), np.float32),
        "zero10": np.zeros((1, 10), np.float32),
    }
    nodes = [helper.make_node("Conv", ["image", "green"], ["greenness"])]
    for stride in (8, 16, 32):
        # padding of half a stride puts the pooled cell's centre on the anchor (multiples of the stride)
        half = stride // 2
        nodes += [
            helper.make_node(
                "AveragePool", ["greenness"], [f"pool{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2,
                pads=[half, half, 0, 0],
            ),
            helper.make_node("Reshape", [f"pool{stride}", "minus_flat"], [f"flat{stride}"]),
            helper.make_node("Concat", [f"flat{stride}", f"flat{stride}"], [f"two{stride}"], axis=1),
            helper.make_node("Reshape", [f"two{stride}", "minus_flat"], [f"anchors{stride}"]),
        ]  # fmt: skip
        box, kps = ("box32", "marks32") if stride == 32 else ("zero4", "zero10")
        if stride == 32:
            nodes += [
                helper.make_node("Add", ["anchors32", "from"], ["lowered"]),
                helper.make_node("Mul", ["lowered", "steep"], ["steeper"]),
                helper.make_node("Sigmoid", ["steeper"], ["score32"]),
            ]
        else:
            nodes += [helper.make_node("Mul", [f"anchors{stride}", "never"], [f"score{stride}"])]
        nodes += [
            helper.make_node("Mul", [f"anchors{stride}", "never"], [f"zeros{stride}"]),
            helper.make_node("Add", [f"zeros{stride}", box], [f"bbox{stride}"]),
            helper.make_node("Add", [f"zeros{stride}", kps], [f"kps{stride}"]),
        ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])]
    outputs = [
        helper.make_tensor_value_info(f"{name}{stride}", TensorProto.FLOAT, ["cells", size])
        for name, size in (("score", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    ]
    return nodes, inputs, outputs, constants


def _embedder() -> tuple[list[onnx.NodeProto], list, list, dict[str, np.ndarray]]:
    """The mean of each 14 × 14 block, turned into 512 numbers by one fixed random matrix."""
    mixing = np.random.default_rng(5).normal(0, 1, (192, 512)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["input"], ["blocks"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["blocks"], ["numbers"]),
        helper.make_node("MatMul", ["numbers", "mixing"], ["embedding"]),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 112, 112])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 512])]
    return nodes, inputs, outputs, {"mixing": mixing}


def _fixed_landmarks(answer: np.ndarray, size: int) -> tuple[list[onnx.NodeProto], list, list, dict[str, np.ndarray]]:
    nodes = [
        helper.make_node("GlobalAveragePool", ["data"], ["mean"]),
        helper.make_node("ReduceSum", ["mean"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "never"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["fc1"]),
    ]
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 192, 192])]
    outputs = [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, size])]
    constants = {"answer": answer.reshape(1, size).astype(np.float32), "never": np.array(0.0, np.float32)}
    return nodes, inputs, outputs, constants


def _head_turned(yaw_deg: float) -> np.ndarray:
    """1103 points of which the last 68 are insightface's mean head, turned; in the network's units (-1 to 1)."""
    mean = np.asarray(pickle.loads((files("insightface") / "data/objects/meanshape_68.pkl").read_bytes()), float)
    turn = np.radians(yaw_deg)
    turned = mean @ np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]).T
    turned = turned / np.abs(turned).max() * 0.6
    return np.vstack([np.zeros((1103 - 68, 3)), turned]).astype(np.float32)


def _save(path: Path, nodes: list, inputs: list, outputs: list, constants: dict[str, np.ndarray]) -> None:
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, path)
