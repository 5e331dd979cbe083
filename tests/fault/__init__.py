"""The proof that nothing is lost: faults are done to a running bridge, and a verifier that shares no code with it judges.

`script/fault` runs the matrix; README.md says how to read what it prints.
"""
