"""The page that `gampen report` writes: one HTML file that holds all that it shows."""
