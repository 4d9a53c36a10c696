"""What can be asked of `imusic bench`: options are read here."""
