"""How figures are written: units, shapes, tables and the reports made of them."""
