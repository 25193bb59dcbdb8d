"""What data is: frames, results, intervals of events, the account and the ledger. No I/O."""
