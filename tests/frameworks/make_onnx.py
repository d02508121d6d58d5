"""Makes the ONNX files of this folder: small networks as PyTorch exports them, with inputs and its own outputs.

pip install torch onnx onnxscript && python tests/frameworks/make_onnx.py
"""

from pathlib import Path

import numpy as np
import onnx
import torch

HERE = Path(__file__).parent


class Net(torch.nn.Module):
    """A recurrent module and a linear readout, at every step or at the last."""

    def __init__(self, rnn: torch.nn.RNNBase, last: bool) -> None:
        super().__init__()
        self.rnn, self.head, self.last = rnn, torch.nn.Linear(rnn.hidden_size, 2), last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.rnn(x)[0]
        if self.last:
            h = h[:, -1] if self.rnn.batch_first else h[-1]
        return self.head(h)


def make(name: str, rnn: torch.nn.RNNBase, *, last: bool = False, dynamo: bool = False) -> None:
    torch.manual_seed(1)
    net = Net(rnn, last).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.5)
    first = rnn.batch_first
    x = torch.randn((1, 7, 3) if first else (7, 1, 3))
    path = HERE / f"torch_{name}.onnx"
    if dynamo:
        torch.onnx.export(net, (x,), dynamo=True).save(path)
    else:
        axes = {"x": {0: "a", 1: "b"}}
        torch.onnx.export(
            net, (x,), path, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes=axes, opset_version=17
        )
    model = onnx.load(path)
    for part in (*model.graph.node, *model.graph.value_info, model.graph, model):  # paths of this computer
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)
    with torch.no_grad():
        y = net(x)
    y = y if last else y[0] if first else y[:, 0]
    np.savez(HERE / f"torch_{name}_onnx.npz", x=(x[0] if first else x[:, 0]).numpy(), y=y.numpy())


if __name__ == "__main__":
    make("script_rnn_stack", torch.nn.RNN(3, 5, num_layers=2))
    make("script_gru", torch.nn.GRU(3, 5, batch_first=True))
    make("script_lstm", torch.nn.LSTM(3, 5), last=True)
    make("dynamo_gru", torch.nn.GRU(3, 5, batch_first=True), dynamo=True)
    make("dynamo_lstm", torch.nn.LSTM(3, 5), last=True, dynamo=True)
    make("dynamo_rnn", torch.nn.RNN(3, 5), dynamo=True)  # which that exporter writes out, step by step
