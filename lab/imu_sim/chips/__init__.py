"""What a unit measures of the truth: parts by datasheet, their noise, magnetometers, orientation fused on the hub."""
