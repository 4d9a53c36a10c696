"""What is special about one wearer: how far each expression turns each sensor."""
