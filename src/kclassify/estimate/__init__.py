"""What a run would cost, before it begins: a look at the items, at the ledger and at the prices."""
