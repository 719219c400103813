"""Offline tools: what a plan does, and what a service did, without a telephone."""
