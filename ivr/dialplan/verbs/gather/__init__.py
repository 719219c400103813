"""How ``gather`` asks and hears."""
