"""Parts that pages are made of. All take the frame first, and all text is escaped by the toolkit."""
