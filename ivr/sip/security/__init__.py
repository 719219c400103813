"""TLS and SRTP: certificates, and what the settings, the build and an offer allow. No pjsua2 here."""
