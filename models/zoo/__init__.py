"""The models that ship, with their manifests and model cards; read-only at run time."""
