"""How good is the count? Scenarios x seeds through the simulator, the product and what the industry does instead."""
