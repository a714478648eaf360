"""Domain: tags, words in a tree that administrators keep, and that editors put on their apps."""
