"""`python -m regulars` is `regulars`."""

from regulars.cli import main

main()
