"""The torture messages of RFC 4475 and RFC 5118, as those give them, sent in each state of the user agent."""
