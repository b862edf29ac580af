"""The cards of the broken twins: each is a good network with one mistake in it."""

import msgspec

from nninspect.plugin import ModelCard
from nninspect_models.good_cards import GOOD

_GOOD = {card.name: card for card in GOOD}


def _twin(
    name: str,
    of: str,
    *,
    title: str,
    mistake: str,
    description: str,
    concepts: tuple[str, ...],
    findings: tuple[str, ...],
    loss: str | None = None,
) -> ModelCard:
    """The good network's card, inputs and task and all, with what is wrong about the twin."""
    good = _GOOD[of]
    callable_name = good.factory.rpartition(":")[2]
    return msgspec.structs.replace(
        good,
        name=name,
        title=title,
        description=description,
        concepts=concepts,
        loss=good.loss if loss is None else loss,
        factory=f"nninspect_models.{name.replace('-', '_')}:{callable_name}",
        twin_of=of,
        mistake=mistake,
        findings=findings,
    )


BROKEN = (
    _twin(
        "broken-linear-stack",
        of="mlp-module",
        title="Linear layers without activations",
        mistake="There is no activation between the linear layers.",
        findings=("NN202",),
        description=(
            "Three linear layers in a row are one affine map: W3(W2(W1 x + b1) + b2) + b3 is"
            " W x + b for some W and b. It runs and trains, and 118,282 parameters do what 7,850"
            " could. Put an activation after every layer but the last: x = F.relu(self.fc1(x))."
        ),
        concepts=("activation", "affine map"),
    ),
    _twin(
        "broken-sigmoid-hidden",
        of="mlp-modulelist",
        title="Sigmoids in hidden layers",
        mistake="The hidden layers are followed by sigmoids.",
        findings=("NN203",),
        description=(
            "The slope of a sigmoid is at most 1/4, so every hidden layer shrinks the gradient"
            " on its way back and the first layers hardly learn: at depth 3 the first one gets"
            " some 25 times less than with ReLU, at depth 8 thousands of times less. Write"
            " x = F.relu(layer(x)), and keep the sigmoid for a probability at the output."
        ),
        concepts=("vanishing gradient", "Sigmoid", "ReLU"),
    ),
    _twin(
        "broken-relu-output",
        of="regressor",
        title="ReLU on the output",
        mistake="The output layer is followed by a ReLU.",
        findings=("NN302",),
        description=(
            "A ReLU on the output cuts off half of all answers: no target below 0 can be"
            " reached, and wherever the layer before gives a negative number the output is 0"
            " and so is the gradient, so the sample teaches nothing. Activations belong between"
            " layers; end with the nn.Linear."
        ),
        concepts=("output activation", "regression", "dead gradient"),
    ),
    _twin(
        "broken-softmax-ce",
        of="classifier",
        title="Softmax before cross entropy",
        mistake="forward ends in a softmax, and cross_entropy applies another one.",
        findings=("NN301",),
        description=(
            "cross_entropy takes logits and applies log-softmax itself. Fed with probabilities"
            " it can tell a right answer from a wrong one only a little: with ten classes the"
            " loss can't fall below 1.46, and where the network is sure and wrong the gradient is"
            " nearly 0. Return the logits from forward; apply softmax in predict."
        ),
        concepts=("Softmax", "cross_entropy", "logits"),
    ),
    _twin(
        "broken-regression-ce",
        of="regressor",
        title="Regression with cross entropy",
        mistake="A regression is trained with cross_entropy, a loss for classes.",
        findings=("NN304",),
        description=(
            "cross_entropy compares outputs as the logits of classes. Over a single output the"
            " softmax is always 1 and its logarithm 0: the loss is 0 whatever the network says,"
            " every gradient is 0, and nothing is learnt, without an error. Use F.mse_loss, or"
            " F.l1_loss, for a value."
        ),
        concepts=("regression", "cross_entropy", "mse_loss"),
        loss="cross_entropy",
    ),
    _twin(
        "broken-classification-mse",
        of="classifier",
        title="Classification with squared error",
        mistake="A classification is trained with mse_loss, a loss for values.",
        findings=("NN305",),
        description=(
            "mse_loss pulls every logit to exactly 0 or 1, where only the largest should matter: a"
            " network that is sure and right, with a logit of 5 for the class, pays more than one"
            " that is a little wrong, and learns to be unsure. Use F.cross_entropy, with the"
            " number of the class as target."
        ),
        concepts=("multi-class classification", "mse_loss", "cross_entropy"),
        loss="mse_loss",
    ),
    _twin(
        "broken-bce-logits",
        of="binary-classifier",
        title="Logits into a loss for probabilities",
        mistake="binary_cross_entropy expects a probability and gets a logit.",
        findings=("NN303",),
        description=(
            "binary_cross_entropy takes the logarithm of what it gets, so that must lie between"
            " 0 and 1; a logit may be any number, and on the first one outside the loss raises:"
            ' "all elements of input should be between 0 and 1". Keep the logit and use'
            " F.binary_cross_entropy_with_logits, which applies the sigmoid itself."
        ),
        concepts=("binary classification", "logit", "binary_cross_entropy"),
        loss="binary_cross_entropy",
    ),
    _twin(
        "broken-double-sigmoid",
        of="binary-classifier",
        title="Sigmoid before BCE with logits",
        mistake="forward ends in a sigmoid, and the loss applies another one.",
        findings=("NN301",),
        description=(
            "The loss takes the probability for a logit. A second sigmoid of a number in (0, 1)"
            " lies in (0.5, 0.73): a no is never believed, the loss can't fall below 0.69 for a"
            " no and 0.31 for a yes, and gradients are a fraction of what they should be. Return"
            " the logit from forward; apply the sigmoid in predict."
        ),
        concepts=("Sigmoid", "binary_cross_entropy_with_logits", "logit"),
    ),
    _twin(
        "broken-python-list",
        of="mlp-modulelist",
        title="Layers in a Python list",
        mistake="The hidden layers are in a Python list, which registers nothing.",
        findings=("NN501",),
        description=(
            "The forward works, so nothing seems wrong; but parameters() has the output layer"
            " only, so the hidden layers are never trained, the state_dict doesn't save them and"
            " model.to(device) leaves them behind. Wrap the list: nn.ModuleList([...])."
        ),
        concepts=("nn.ModuleList", "registration", "state_dict"),
    ),
    _twin(
        "broken-no-super",
        of="mlp-module",
        title="super().__init__() forgotten",
        mistake="__init__ doesn't call super().__init__() before it assigns the first layer.",
        findings=("NN101",),
        description=(
            "nn.Module keeps its layers in tables that its own __init__ makes. Without it the"
            ' first assignment raises "cannot assign module before Module.__init__() call".'
            " Make super().__init__() the first line of __init__."
        ),
        concepts=("nn.Module", "super().__init__()", "registration"),
    ),
    _twin(
        "broken-sequential-skip",
        of="resnet-small",
        title="A skip inside a Sequential",
        mistake="The shortcut is one more layer of the Sequential, not a way around it.",
        findings=("NN109",),
        description=(
            "nn.Sequential hands each output to the next layer; nothing can go around. The"
            " shortcut of the first block that changes the shape gets the block's output, with"
            " 32 channels, where it was made for its input, with 16, and raises. Write the block"
            " as an nn.Module whose forward returns torch.relu(self.residual(x) +"
            " self.shortcut(x)); such blocks in a row may well be a Sequential."
        ),
        concepts=("nn.Sequential", "skip connection", "residual block"),
    ),
    _twin(
        "broken-shapes",
        of="cnn-digits",
        title="Shapes that don't meet",
        mistake="The classifier expects 32 * 14 * 14 features, and 32 * 7 * 7 arrive.",
        findings=("NN601",),
        description=(
            "Only one of the two poolings was counted: 28 / 2 / 2 is 7. The forward raises"
            ' "mat1 and mat2 shapes cannot be multiplied (1x1568 and 6272x10)": 1568 is what'
            " arrived, 6272 what the layer was made for. Write nn.Linear(2 * width * 7 * 7,"
            " classes), and settle the input and output shapes before the layers between."
        ),
        concepts=("shapes", "Flatten", "Linear"),
    ),
    _twin(
        "broken-batch",
        of="rnn-tanh",
        title="The batch taken for time",
        mistake="batch_first=True is missing, so the batch is read as the time.",
        findings=("NN603",),
        description=(
            "nn.RNN expects (T, B, features) unless told otherwise. Given (B, T, features) it runs"
            " and returns the right shape, but each image continues the state of the one before"
            " it in the batch, and only its last row is looked at: an answer depends on its"
            " neighbours. Write nn.RNN(..., batch_first=True)."
        ),
        concepts=("batch dimension", "batch_first", "samples mixed"),
    ),
    _twin(
        "broken-norm-order",
        of="cnn-hybrid",
        title="Batch norm after the activation",
        mistake="The batch norm comes after the ReLU, not between convolution and ReLU.",
        findings=("NN402",),
        description=(
            "It runs and trains, yet the norm gets values from which the ReLU has already cut"
            " the negative half, and what it gives to the next layer is shifted below 0 again."
            " The usual order is convolution (bias=False), batch norm, ReLU: the ReLU then gets"
            " values around 0, and about half of them pass, whatever the weights are."
        ),
        concepts=("BatchNorm2d", "order of layers", "ReLU"),
    ),
    _twin(
        "broken-names",
        of="cnn-digits",
        title="A layer under the wrong name",
        mistake="nn.Conv2D doesn't exist: the layer is called nn.Conv2d.",
        findings=("NN102",),
        description=(
            "Names in PyTorch are case-sensitive, and 2d is written with a small d. Building the"
            " network raises \"module 'torch.nn' has no attribute 'Conv2D'\". Write nn.Conv2d."
        ),
        concepts=("Conv2d", "names"),
    ),
    _twin(
        "broken-notebook",
        of="mlp-module",
        title="Two classes in one notebook cell",
        mistake="Two classes stand in the same cell of the notebook.",
        findings=("NN110",),
        description=(
            "The network itself is right. Yet a cell is what a notebook runs again: after an edit"
            " of the other class, MLP is made anew as well, and a model built before is no"
            " instance of it any more, so isinstance is False and the weights of the old one"
            " belong to a class that is gone. Write one class a cell, or move them to a .py file."
        ),
        concepts=("notebook", "one class a cell"),
    ),
)
