"""Where orders go: the Venue port, the simulated venue, and the gateway to real protocols."""
