"""What the tests stand on: databases, a browser, and a closed network. Knows nothing of the application."""
