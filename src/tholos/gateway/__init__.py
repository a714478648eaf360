"""From a request to the instance that answers it."""
