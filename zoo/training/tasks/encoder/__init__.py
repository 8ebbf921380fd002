"""Training an encoder of faces into a generator's codes."""
