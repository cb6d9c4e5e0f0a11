"""The real sky: galaxies that other telescopes, surveys or codes have measured as well."""
