"""The words of the product as values: windows, money, time, order rows, proofs, errors. No I/O."""
