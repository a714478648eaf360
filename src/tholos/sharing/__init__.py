"""Domain: who may do what with an object, whatever kind it is of: grants to accounts and groups, and requests for them."""
