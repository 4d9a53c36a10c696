"""Takes: recordings that are listed, looked into, cut, exported to the tools of animators, and made into data sets."""
