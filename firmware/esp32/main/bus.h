/* The bus of the units; bus_spi.c or bus_i2c.c, as hub_config.h says. */
#ifndef BUS_H
#define BUS_H

#include "hub_config.h"
#include "sensor.h"

/* Set up the bus. `places`: what hub_config.h says of each unit; kept by the caller for as long as the hub lives. */
void bus_begin(const int *places, size_t count);

/* The way to one unit; `place` points into `places`. */
imusic_bus bus_to(const int *place);

#endif
