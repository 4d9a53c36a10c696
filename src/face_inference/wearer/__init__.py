"""What is special about one wearer: how far each of the person's expressions turns each sensor."""
