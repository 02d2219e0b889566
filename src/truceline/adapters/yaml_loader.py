"""The safe YAML loader: the compiled one of libyaml where PyYAML was built with it, some ten times as quick."""

from __future__ import annotations

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(content: str | bytes) -> Any:
    """Give what a YAML document says in plain values, or raise `yaml.YAMLError`; no tag makes an object."""
    return yaml.load(content, Loader=LOADER)  # noqa: S506  both loaders are safe ones
