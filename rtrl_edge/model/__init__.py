"""What a user writes: a model of cells, readout, loss, rule, optimiser and number profile.

One file a part, named as the part's ``voice`` in the other rooms. A combination that makes no sense raises
:class:`~rtrl_edge.errors.ModelError` when the model is made.
"""

from .cell_columnar import ColumnarLSTM
from .cell_elstm import ELSTM
from .cell_fully_recurrent import FullyRecurrent
from .cell_gru import GRU
from .cell_jordan import Jordan
from .cell_lstm import LSTM
from .cell_rnn import RNN
from .cell_rtu import RTU
from .cell_stack import Stack
from .definition import Model
from .limits import MAX_COLUMNS, MAX_UNITS, MAX_WIDTH
from .loss_binary import BinaryCrossEntropy
from .loss_huber import Huber
from .loss_softmax import SoftmaxCrossEntropy
from .loss_squared import SquaredError
from .numbers import Q14, R8, R16, Numbers
from .optimiser import Optimiser
from .optimiser_half_rmsprop import HalfRMSprop
from .optimiser_momentum import Momentum
from .optimiser_sgd import SGD
from .parts import Cell, Field, Loss, Readout, Rule, Sum, Table
from .readout_direct import Direct
from .readout_linear import Linear
from .rule_block import BlockRTRL
from .rule_bptt import BPTT
from .rule_dni import DNI
from .rule_eprop import EProp
from .rule_kf_rtrl import KFRTRL
from .rule_ok import OK
from .rule_readout_only import ReadoutOnly
from .rule_rflo import RFLO
from .rule_rtrl import RTRL
from .rule_snap import SnAp
from .rule_trunc1 import Trunc1
from .rule_uoro import UORO
from .structure import Block, Dims, Structure

__all__ = [
    "BPTT", "DNI", "ELSTM", "GRU", "KFRTRL", "LSTM", "MAX_COLUMNS", "MAX_UNITS", "MAX_WIDTH", "OK", "Q14", "R8", "R16",
    "RFLO", "RNN", "RTRL", "RTU", "SGD", "UORO", "BinaryCrossEntropy", "Block", "BlockRTRL", "Cell", "ColumnarLSTM",
    "Dims", "Direct", "EProp", "Field", "FullyRecurrent", "HalfRMSprop", "Huber", "Jordan", "Linear", "Loss", "Model",
    "Momentum", "Numbers", "Optimiser", "Readout", "ReadoutOnly", "Rule", "SnAp", "SoftmaxCrossEntropy", "SquaredError",
    "Stack", "Structure", "Sum", "Table", "Trunc1",
]  # fmt: skip
