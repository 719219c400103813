"""What is checked of a SIP message before pjsip's transactions, dialogs and calls see it."""
