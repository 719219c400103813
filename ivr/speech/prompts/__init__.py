"""Prompts made once and kept: ``cache`` wraps a synthesiser, ``store`` keeps files, ``audio`` sets levels."""
