"""Commands of the risk desk."""
