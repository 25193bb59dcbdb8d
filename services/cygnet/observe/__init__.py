"""A pipeline seen and scaled from outside: what the operator and `cygnet up` have in common."""
