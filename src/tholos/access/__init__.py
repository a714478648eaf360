"""Domain: who may open which app, decided at its door: hand-over from the console, handles, passes."""
