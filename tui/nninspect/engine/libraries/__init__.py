"""The libraries whose models can be named: what each offers, and the inputs it means them for."""
