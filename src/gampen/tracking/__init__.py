"""Those that follow a training run: TensorBoard's event files, and MLflow."""
