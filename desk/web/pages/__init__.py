"""The pages of the desk, one module each; a module becomes a page by having a ``PAGE``."""
