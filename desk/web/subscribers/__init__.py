"""Parts of the page on subscribers: webhook endpoints, their deliveries, and the people who are told."""
