"""What there is to see of a model, as text to keep: JSON, CSV, Markdown, SVG."""
