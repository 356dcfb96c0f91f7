"""What each venue's protocol says: endpoints, names of parameters, payloads and codes. Everything here is pure."""
