"""What is in a weights file: headers only, nothing executed, every size held to a bound."""
