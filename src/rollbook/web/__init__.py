"""What is served over HTTP. Decides nothing: it shows what the store holds and calls actions."""
