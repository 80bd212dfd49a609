"""As on the platform: `capability` and `capability_worker`."""
