"""What runs inside an app's process. Standard library only, Python 3.8 and later."""
