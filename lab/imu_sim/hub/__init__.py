"""The simulated hub: it speaks the protocol over a pseudo-terminal or UDP, with faults on demand."""
