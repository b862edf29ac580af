"""The diffing display: of every frame, only what differs from what the terminal shows is sent."""
