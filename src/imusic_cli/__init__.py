"""The command line `imusic`: starts graphs, trains, evaluates, measures. The one room that knows all others."""
