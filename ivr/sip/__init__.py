"""The SIP user agent: signalling and sound of calls by PJSUA2, behind plain Python objects."""
