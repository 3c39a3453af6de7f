"""The YAML that `launch.compose` composes."""
