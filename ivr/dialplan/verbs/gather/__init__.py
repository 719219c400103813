"""The verb ``gather``: its fields (``model``), how it asks, listens and confirms, and the verb (``verb``)."""
