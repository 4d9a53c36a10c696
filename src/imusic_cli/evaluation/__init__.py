"""`imusic evaluate`: models and the rest pose on the same simulated or recorded takes, and special trials."""
