"""Domain: telling people and other systems what was done: inbox, mail, webhooks. It reads the record of deeds, after the
deed; nothing that is done waits for it.
"""
