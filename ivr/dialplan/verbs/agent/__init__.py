"""The verb ``agent``: its fields (``model``), its tools, the conversation, and the verb itself (``verb``)."""
