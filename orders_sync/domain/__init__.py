"""The words of the product as values: windows, money, time, order rows, verdicts, errors. No I/O."""
