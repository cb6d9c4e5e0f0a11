"""The estimators that come with the package, each a safetensors file with its card."""
