"""What the framework images do where the user's code gives no handler of its own.

Source: sagemaker-scikit-learn-container, sagemaker-xgboost-container, sagemaker-pytorch-inference-toolkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import codecs, saved_models
from .errors import SetupError

Handler = Any


@dataclass(frozen=True)
class Defaults:
    """The handlers of one framework.

    Args:
        model_fn: Loads the model.
        input_fn: Body to data.
        predict_fn: Data to prediction.
        output_fn: Prediction to body.
    """

    model_fn: Handler
    input_fn: Handler
    predict_fn: Handler
    output_fn: Handler


def defaults_of(family: str) -> Defaults:
    """Return the handlers of a framework; those of scikit-learn's image for one that has none."""
    return _FAMILIES.get(family, _SKLEARN)


def _no_model(_model_dir: str) -> Any:
    raise SetupError(
        "Nothing says how to load the model: the inference code has no model_fn. "
        "Write one: def model_fn(model_dir): return joblib.load(os.path.join(model_dir, 'model.joblib'))"
    )


def _output(prediction: Any, accept: str) -> Any:
    return codecs.encode(prediction, accept)


def _sklearn_input(body: Any, content_type: str) -> Any:
    import numpy as np

    array = codecs.decode(body, content_type)
    return array.astype(np.float32) if codecs.media_type(content_type) in codecs.TEXTS else array


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _xgboost_predict(data: Any, model: Any) -> Any:
    return model.predict(data, validate_features=False)


def _torch_device() -> Any:
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _torch_model(model_dir: str) -> Any:
    import torch

    folder = Path(model_dir)
    path = folder / "model.pt"
    if not path.exists():
        found = [file for file in folder.iterdir() if file.suffix in (".pt", ".pth") and file.is_file()]
        if len(found) != 1:
            names = ", ".join(sorted(file.name for file in found)) or "none"
            raise SetupError(
                f"Without a model_fn the model must be one TorchScript file, .pt or .pth; there are: {names}."
            )
        path = found[0]
    try:
        return torch.jit.load(str(path), map_location=_torch_device())
    except RuntimeError as error:
        raise SetupError(
            f"{path.name} cannot be loaded as TorchScript, and there is no model_fn: {error}"
        ) from error


def _torch_input(body: Any, content_type: str) -> Any:
    import torch

    array = codecs.decode(body, content_type)
    is_text = codecs.media_type(content_type) in codecs.TEXTS
    tensor = torch.as_tensor(array, dtype=torch.float32) if is_text else torch.from_numpy(array)
    return tensor.to(_torch_device())


def _torch_predict(data: Any, model: Any) -> Any:
    import torch

    with torch.no_grad():
        device = _torch_device()
        model = model.to(device)
        model.eval()
        return model(data.to(device))


def _torch_output(prediction: Any, accept: str) -> Any:
    import torch

    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu().numpy().tolist()
    return codecs.encode(prediction, accept)


_SKLEARN = Defaults(_no_model, _sklearn_input, _predict, _output)
_FAMILIES: Mapping[str, Defaults] = {
    "sklearn": _SKLEARN,
    "xgboost": Defaults(_no_model, codecs.decode_matrix, _xgboost_predict, _output),
    "tensorflow": Defaults(
        saved_models.load, saved_models.read_request, saved_models.predict, saved_models.write_answer
    ),
    "pytorch": Defaults(_torch_model, _torch_input, _torch_predict, _torch_output),
}
