"""Scripted calls by SIPp; every scenario has what is expected of it beside it."""
