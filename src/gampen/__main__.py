"""`python -m gampen` is `gampen`."""

from gampen.cli import main

main()
