"""What the words mean: instruments, bars, orders, stages, commands, money and errors. Pure."""
