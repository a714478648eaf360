"""Domain: who did what, when, from where; written in the transaction of the deed, and never changed."""
