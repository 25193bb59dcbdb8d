"""`python -m cygnet` is the command `cygnet`."""

from cygnet.cli.main import run

if __name__ == "__main__":
    run()
