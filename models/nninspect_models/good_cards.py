"""The cards of the networks to learn from, from one line of layers to a transformer."""

from nninspect.plugin import InputSpec, ModelCard

REGRESSION = "regression"
BINARY = "binary classification"
MULTI_CLASS = "multi-class classification"

FLAT_DIGIT = InputSpec((1, 784))
DIGIT = InputSpec((1, 1, 28, 28))
SMALL_IMAGE = InputSpec((1, 3, 32, 32))

GOOD = (
    ModelCard(
        name="mlp-sequential",
        title="Perceptron, layers by index",
        description=(
            "The shortest way to a network: nn.Sequential calls its layers one after the other,"
            " and model[0] is the first of them. It fits wherever data flows in one line, and"
            " only there: a branch or a skip needs an nn.Module. The other mlp networks write the"
            " same perceptron in other ways; compare their source and their trees."
        ),
        concepts=("nn.Sequential", "access by index", "Linear", "ReLU", "logits"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(FLAT_DIGIT,),
        factory="nninspect_models.mlp_sequential:mlp_sequential",
    ),
    ModelCard(
        name="mlp-named",
        title="Perceptron, layers by name",
        description=(
            "The same nn.Sequential, made from an OrderedDict: every layer has a name, so the"
            " tree, the state_dict and an error message say `output` where they would say `4`,"
            " and model.output reaches the layer. A layer added in between renames no other."
        ),
        concepts=("nn.Sequential", "OrderedDict", "access by name"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(FLAT_DIGIT,),
        factory="nninspect_models.mlp_named:mlp_named",
    ),
    ModelCard(
        name="mlp-module",
        title="Perceptron as an nn.Module",
        description=(
            "The standard way: a class that makes its parts in __init__, after"
            " super().__init__(), and assembles them in forward. The parts are registered"
            " because they are assigned to self; the order of the calls in forward is what"
            " runs, not the order of the assignments. Anything can be built like this."
        ),
        concepts=("nn.Module", "__init__ and forward", "super().__init__()"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(FLAT_DIGIT,),
        factory="nninspect_models.mlp_module:MLP",
    ),
    ModelCard(
        name="mlp-functional",
        title="Perceptron in functional style",
        description=(
            "What has no parameters needs no module: ReLU is a call of F.relu in forward, so"
            " only the three linear layers are parts. The weights have the same names as in"
            " mlp-module, a state_dict fits both, and both return the same numbers. In the"
            " tree the calls stand where the modules stood."
        ),
        concepts=("torch.nn.functional", "F.relu", "state_dict"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(FLAT_DIGIT,),
        factory="nninspect_models.mlp_functional:MLP",
    ),
    ModelCard(
        name="mlp-modulelist",
        title="Perceptron of any depth",
        description=(
            "As many hidden layers as `--set depth=5` asks for, made in a loop and kept in an"
            " nn.ModuleList. The list registers every layer, so the optimizer trains it and"
            " model.to(device) moves it, and forward decides how the layers are called. A plain"
            " Python list would hold the same layers and register none."
        ),
        concepts=("nn.ModuleList", "variable depth", "torch.nn.functional"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(FLAT_DIGIT,),
        factory="nninspect_models.mlp_modulelist:DeepMLP",
    ),
    ModelCard(
        name="cnn-hybrid",
        title="Sequential blocks in a module",
        description=(
            "How most networks in practice are written: what repeats is a small nn.Sequential"
            " (convolution, batch norm, ReLU, pooling), made by a function, and an nn.Module"
            " puts the blocks together. Each block halves height and width and doubles the"
            " channels, so that the map gets smaller while it can say more."
        ),
        concepts=("nn.Sequential in nn.Module", "Conv2d", "BatchNorm2d", "MaxPool2d", "Flatten"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(SMALL_IMAGE,),
        factory="nninspect_models.cnn_hybrid:HybridCNN",
    ),
    ModelCard(
        name="cnn-digits",
        title="Convolutions for digits",
        description=(
            "Every usual layer in its usual place. A 3x3 convolution with padding 1 keeps"
            " 28x28; batch norm stands between it and the ReLU, which makes the convolution's"
            " bias redundant (bias=False); pooling halves the map. After two poolings 7x7 are"
            " left, which is why the last layer takes 32 * 7 * 7 features; dropout stands just"
            " before it, where most of the parameters are."
        ),
        concepts=("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Dropout", "Flatten"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(DIGIT,),
        factory="nninspect_models.cnn_digits:DigitsCNN",
    ),
    ModelCard(
        name="resnet-small",
        title="Residual network, 14 layers",
        description=(
            "Each block computes out = F(x) + x: it learns what to add to its input, and the"
            " gradient has a way around the convolutions, which is what makes deep networks"
            " trainable. Where a block changes the shape, a 1x1 convolution brings x to the"
            " same shape. A block needs a forward of its own; blocks in a row are an"
            " nn.Sequential again. `--set blocks=3` gives 20 layers."
        ),
        concepts=("residual block", "skip connection", "projection shortcut", "BatchNorm2d"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(SMALL_IMAGE,),
        factory="nninspect_models.resnet_small:ResNetSmall",
    ),
    ModelCard(
        name="inception-block",
        title="Parallel branches, concatenated",
        description=(
            "Four branches look at the same map at once: 1x1, 3x3 and 5x5 convolutions and a"
            " pooled copy. All keep height and width, so torch.cat can put their channels side"
            " by side. The 1x1 convolutions in front make the larger kernels cheaper. Branches"
            " can't be written as one nn.Sequential: forward has to call each."
        ),
        concepts=("parallel branches", "torch.cat", "1x1 convolution", "AdaptiveAvgPool2d"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(SMALL_IMAGE,),
        factory="nninspect_models.inception_block:InceptionNet",
    ),
    ModelCard(
        name="transformer-encoder",
        title="Transformer encoder for text",
        description=(
            "Takes token ids, whole numbers, and looks up a vector for each; adds what marks"
            " the position; then runs equal blocks from an nn.ModuleList. In a block, attention"
            " lets every token gather from every other and a perceptron works on each token"
            " alone; both are residual: x + F(norm(x)). The mean of the tokens is classified."
        ),
        concepts=("nn.ModuleList", "Embedding", "self-attention", "LayerNorm", "residual block"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(InputSpec((1, 16), "int64", low=0, high=100),),
        factory="nninspect_models.transformer_encoder:TransformerEncoder",
    ),
    ModelCard(
        name="rnn-tanh",
        title="Recurrent network with tanh",
        description=(
            "Reads an image as 28 rows, one a step, and keeps a state that every row changes;"
            " the last state is classified. tanh holds the state within (-1, 1) however long"
            " the sequence is, at the price of gradients that fade over many steps."
            " batch_first=True says that the first dimension is the batch, as everywhere else."
        ),
        concepts=("RNN", "Tanh", "batch_first", "sequence"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(InputSpec((1, 28, 28)),),
        factory="nninspect_models.rnn_tanh:TanhRNN",
    ),
    ModelCard(
        name="activations-zoo",
        title="Four activations where they belong",
        description=(
            "ReLU (0 and above) stands between layers. On an output an activation says what the"
            " number means: Sigmoid gives a probability in (0, 1), Tanh a value in (-1, 1),"
            " Softmax shares that add up to 1. None of them changes a shape. Returns a dict of"
            " three outputs, ready to be used; to train it, the losses would take the logits."
        ),
        concepts=("ReLU", "Sigmoid", "Tanh", "Softmax", "dict output"),
        inputs=(InputSpec((1, 16)),),
        factory="nninspect_models.activations_zoo:ActivationsZoo",
    ),
    ModelCard(
        name="two-inputs",
        title="Image and numbers together",
        description=(
            "forward takes two tensors, by keyword: an image and a row of numbers about it. Each"
            " has a branch that ends in a vector, and torch.cat joins the vectors of the same"
            " sample, so the batch sizes must agree and the rest of the shapes need not."
        ),
        concepts=("two inputs", "keyword inputs", "torch.cat", "AdaptiveAvgPool2d"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(InputSpec((1, 1, 28, 28), name="image"), InputSpec((1, 8), name="features")),
        factory="nninspect_models.two_inputs:TwoInputs",
    ),
    ModelCard(
        name="regressor",
        title="Regression: one real number",
        description=(
            "Predicts a value, so its last layer has one output and no activation: any real"
            " number may come out. The loss is the squared distance to the target (mse_loss),"
            " or the absolute one (l1_loss), which outliers disturb less. Prediction and target"
            " must both be (B, 1): (B,) would broadcast against it without an error."
        ),
        concepts=("regression", "mse_loss", "l1_loss", "no output activation"),
        task=REGRESSION,
        loss="mse_loss",
        inputs=(InputSpec((1, 8)),),
        factory="nninspect_models.regressor:Regressor",
    ),
    ModelCard(
        name="binary-classifier",
        title="Yes or no: one logit",
        description=(
            "Answers yes or no with one logit: above 0 means yes. The loss,"
            " binary_cross_entropy_with_logits, applies the sigmoid itself, in a form that"
            " doesn't overflow; predict applies it where a probability is wanted. The target is"
            " a float of the logit's shape."
        ),
        concepts=("binary classification", "logit", "Sigmoid", "binary_cross_entropy_with_logits"),
        task=BINARY,
        loss="binary_cross_entropy_with_logits",
        inputs=(InputSpec((1, 30)),),
        factory="nninspect_models.binary_classifier:BinaryClassifier",
    ),
    ModelCard(
        name="classifier",
        title="One of ten: ten logits",
        description=(
            "Returns a logit for each class, [64, 1, 28, 28] to [64, 10], and no probabilities:"
            " cross_entropy applies log-softmax itself. The softmax belongs in predict. The"
            " target is the number of the class, an int64 of shape (B,), not a one-hot vector."
        ),
        concepts=("multi-class classification", "logits", "cross_entropy", "Softmax", "Flatten"),
        task=MULTI_CLASS,
        loss="cross_entropy",
        inputs=(DIGIT,),
        factory="nninspect_models.classifier:Classifier",
    ),
)
