"""One file a command: parse, call one core function, print."""
