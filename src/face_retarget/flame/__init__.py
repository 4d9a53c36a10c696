"""The 52 weights as coefficients of FLAME and SMPL-X, by a map that the user's own model file completes."""
