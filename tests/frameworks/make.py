"""Makes the fixtures of this folder: small networks of PyTorch and Keras with their weights, inputs and outputs.

The two are too large for `make test`, so their answers are kept. To make them again, in an environment of its own:

    pip install torch keras safetensors && KERAS_BACKEND=torch python tests/frameworks/make.py
"""

from pathlib import Path

import keras
import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).parent
INPUTS, UNITS, OUTPUTS, SAMPLES = 2, 5, 2, 60


class Net(torch.nn.Module):
    """A recurrent module and a linear readout, as most people write it."""

    def __init__(self, rnn: torch.nn.RNNBase) -> None:
        super().__init__()
        self.rnn = rnn
        self.head = torch.nn.Linear(rnn.hidden_size, OUTPUTS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0])


def numbers(rng: np.random.Generator) -> np.ndarray:
    """Samples (SAMPLES, INPUTS), smooth enough to be told."""
    return np.cumsum(rng.normal(0, 0.3, (SAMPLES, INPUTS)), axis=0).astype(np.float32)


def of_torch(name: str, rnn: torch.nn.RNNBase, seed: int) -> None:
    torch.manual_seed(seed)
    net = Net(rnn)
    for parameter in net.parameters():  # the default is too tame for a test
        torch.nn.init.normal_(parameter, 0.0, 0.5)
    x = numbers(np.random.default_rng(seed))
    with torch.no_grad():
        y = net(torch.from_numpy(x)[:, None])[:, 0]
    save_file({key: value.numpy() for key, value in net.state_dict().items()}, HERE / f"torch_{name}.safetensors")
    np.savez(HERE / f"torch_{name}.npz", x=x, y=y.numpy())


def of_keras(name: str, layer: keras.layers.Layer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = keras.Sequential([keras.Input((None, INPUTS)), layer, keras.layers.Dense(OUTPUTS)])
    net.set_weights([rng.normal(0, 0.5, w.shape) for w in net.get_weights()])
    x = numbers(rng)
    y = np.asarray(net.predict(x[None], verbose=0))[0]
    np.savez(HERE / f"keras_{name}_weights.npz", *net.get_weights())
    np.savez(HERE / f"keras_{name}.npz", x=x, y=y)


if __name__ == "__main__":
    of_torch("rnn", torch.nn.RNN(INPUTS, UNITS), 1)
    of_torch("stack", torch.nn.RNN(INPUTS, UNITS, num_layers=2), 2)
    of_torch("gru", torch.nn.GRU(INPUTS, UNITS), 3)
    of_torch("lstm", torch.nn.LSTM(INPUTS, UNITS), 4)
    of_keras("rnn", keras.layers.SimpleRNN(UNITS, return_sequences=True), 5)
    of_keras("gru_after", keras.layers.GRU(UNITS, return_sequences=True), 6)
    of_keras("gru_before", keras.layers.GRU(UNITS, return_sequences=True, reset_after=False), 7)
    of_keras("lstm", keras.layers.LSTM(UNITS, return_sequences=True), 8)
