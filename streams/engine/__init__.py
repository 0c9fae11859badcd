"""The engine's place in Faust: fold the log, write outputs, then state, then offsets."""
