"""What passes between threads: the ring of samples, the latest frame, and files at the pace of the clock."""
