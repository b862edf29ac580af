"""One rule a module; `catalog` finds them by walking this package."""
