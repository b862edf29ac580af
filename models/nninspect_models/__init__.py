"""The bundled networks: one file a network, and the catalogue that describes them."""
