"""The edit queue of pix.immo: asynchronous edit jobs for real-estate photos."""
