"""A trained Keras network to an ONNX graph, by tf2onnx, made fast for ONNX Runtime."""

import keras
import onnx
import tensorflow as tf
import tf2onnx

from emotion.exporters.graphs import rewrite_batch_norm, rewrite_gray

OPSET = 17


def to_onnx(model: keras.Model) -> onnx.ModelProto:
    """The graph of a model made by `networks.for_inference`; the batch size is variable."""
    crops = model.inputs[0]
    signature = tf.TensorSpec((None, *crops.shape[1:]), tf.uint8, name="crops")
    function = tf.function(lambda images: {"probabilities": model(images, training=False)})
    graph, _ = tf2onnx.convert.from_function(function, (signature,), opset=OPSET)
    graph = rewrite_gray(rewrite_batch_norm(graph))
    onnx.checker.check_model(graph)
    return graph
