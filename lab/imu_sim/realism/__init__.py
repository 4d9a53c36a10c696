"""Studies of what is simulated: statistics, comparison with recordings, and the page that shows them."""
