"""Does learning on the device pay? Recordings, prequential runs, float controls and the report."""

from .baselines import Control, Mean, OnlineAR, Persistence, RLSReadout, standard_controls
from .prequential import Run, play, prequential
from .recordings import Part, Recording, daphnet, delayed_xor, mackey_glass, watch
from .report import Contender, Report, Resource, Verdict, conclusions, error_table, figures, render
from .tables import text_table

__all__ = [
    "Contender",
    "Control",
    "Mean",
    "OnlineAR",
    "Part",
    "Persistence",
    "RLSReadout",
    "Recording",
    "Report",
    "Resource",
    "Run",
    "Verdict",
    "conclusions",
    "daphnet",
    "delayed_xor",
    "error_table",
    "figures",
    "mackey_glass",
    "play",
    "prequential",
    "render",
    "standard_controls",
    "text_table",
    "watch",
]
