"""`imusic bench`: measurements of this machine, each beside a reference where there is one."""
