"""The command `nninspect`: one file a command."""
