"""The reference pages, made from the code: each module here answers the text of one page."""
