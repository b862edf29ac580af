"""The doctor on networks as users write them, with nothing wrong: no error and no warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from nninspect.doctor.check import check
from nninspect.engine.session import Session
from nninspect.protocol.findings import CheckPlan, CheckResult, Severity
from nninspect.protocol.records import InputSpec, Setup
from nninspect.text.inputs import parse_input

FOLDER = Path(__file__).parents[1] / "data" / "healthy"

CE, BCE, MSE = "cross_entropy", "binary_cross_entropy_with_logits", "mse_loss"

NETWORKS: dict[str, tuple[str, str]] = {
    "generative:VAE": ("4,784", ""),
    "generative:Generator": ("4,64,1,1", ""),
    "generative:Discriminator": ("4,3,32,32", BCE),
    "generative:Critic": ("4,3,32,32", ""),
    "generative:ConvAutoencoder": ("4,1,28,28", ""),
    "generative:VQVAE": ("4,3,32,32", ""),
    "generative:RealNVP": ("4,8", ""),
    "generative:Denoiser": ("4,3,16,16 int64:4", MSE),
    "images:UNet": ("4,3,32,32", CE),
    "images:SEResNet": ("4,3,32,32", CE),
    "images:DenseNet": ("4,3,32,32", CE),
    "images:MobileNet": ("4,3,32,32", CE),
    "images:ViT": ("4,3,32,32", CE),
    "images:Detector": ("4,3,64,64", ""),
    "images:FrozenBackbone": ("4,3,32,32", CE),
    "images:SpectralClassifier": ("4,3,32,32", BCE),
    "images:SuperResolution": ("4,3,16,16", MSE),
    "sequences:GRUClassifier": ("int64:4x12", CE),
    "sequences:LSTMLanguageModel": ("int64:4x12", ""),
    "sequences:AttentionPooling": ("4,12,16", CE),
    "sequences:TCN": ("4,8,24", MSE),
    "sequences:WaveNet": ("int64:4x32", CE),
    "sequences:GPT": ("int64:4x16", ""),
    "sequences:Translator": ("int64:4x10 int64:4x8", ""),
    "sequences:Tagger": ("int64:4x12", ""),
    "sequences:Forecaster": ("4,9,4", MSE),
    "sequences:MambaLike": ("4,12,6", CE),
    "embeddings:Siamese": ("4,1,28,28 4,1,28,28", BCE),
    "embeddings:ImageTextContrast": ("4,3,32,32 int64:4x8", ""),
    "embeddings:SimSiam": ("4,128 4,128", ""),
    "embeddings:MatrixFactorization": ("int64:4 int64:4", MSE),
    "embeddings:ArcFace": ("4,64", CE),
    "embeddings:EMATeacher": ("4,32", ""),
    "structured:DeepSets": ("4,7,5", CE),
    "structured:GraphNet": ("6,8 int64:2x12", ""),
    "structured:MixtureOfExperts": ("4,16", CE),
    "structured:Highway": ("4,10", MSE),
    "structured:MemoryNetwork": ("int64:4x5x6 int64:4x6", CE),
    "structured:HyperNetwork": ("4,6 4,4", MSE),
    "structured:TabularNet": ("int64:4x3 4,6", MSE),
    "structured:PointNet": ("4,3,40", CE),
    "published:Swin": ("2,3,32,32", CE),
    "published:StyleGen": ("3,32", ""),
    "published:SlotAttention": ("2,10,16", ""),
    "published:TransfoRel": ("int64:2x8", ""),
    "published:WordLM": ("int64:11x3", ""),
    "published:Distilled": ("4,10", ""),
    "published:ShuffleNet": ("2,3,32,32", CE),
    "published:DGCNN": ("2,20,3", CE),
    "published:MoCo": ("4,12 4,12", ""),
    "published:SchNet": ("7,3 int64[0:5]:7", ""),
    "functions:SIREN": ("4,2", MSE),
    "functions:KAN": ("4,4", MSE),
    "functions:PolicyValue": ("4,8", ""),
    "functions:GaussianActor": ("4,8", ""),
    "functions:DuelingDQN": ("4,4,84,84", ""),
    "functions:QuantileRegressor": ("4,10", ""),
    "functions:Heteroscedastic": ("4,6", ""),
    "functions:NeuralODE": ("4,4", MSE),
    "functions:LogisticRegression": ("4,20", BCE),
    "functions:NeRF": ("4,3 4,3", ""),
}
"""The inputs as typed on the command line, and the loss where a network is made for one."""


def checked(name: str) -> CheckResult:
    file, _, kind = name.partition(":")
    inputs, loss = NETWORKS[name]
    specs: tuple[InputSpec, ...] = tuple(map(parse_input, inputs.split()))
    session = Session()
    try:
        setup = Setup(target=f"{FOLDER / file}.py:{kind}", inputs=specs)
        return check(session, setup, CheckPlan(loss=loss), lambda *_: None)
    finally:
        session.drop()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_healthy_network_is_let_alone(name: str) -> None:
    result = checked(name)
    complaints = [f for f in result.findings if f.severity is not Severity.INFO]
    assert not complaints, "\n".join(f"{f.code} {f.path}: {f.seen}" for f in complaints)
    assert not [rule for rule in result.skipped if "itself failed" in rule.reason]


def test_every_healthy_network_is_in_the_table() -> None:
    files = {name.partition(":")[0] for name in NETWORKS}
    assert {file.stem for file in FOLDER.glob("*.py")} == files
