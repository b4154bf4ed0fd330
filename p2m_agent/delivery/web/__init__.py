"""A student over HTTP: the API and the page."""
