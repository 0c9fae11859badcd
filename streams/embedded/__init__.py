"""Parts that we start, watch and stop ourselves, so that everything runs from one command without Docker."""
