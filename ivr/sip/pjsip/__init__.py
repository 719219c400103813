"""Everything that holds or calls pjsua2 objects: the endpoint, accounts, calls and their media ports.

All of it runs on the SIP thread, except the ports' callbacks, which pjmedia's clock thread makes.
"""
