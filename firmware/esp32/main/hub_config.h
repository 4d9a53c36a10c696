/* All that is to be changed for another hub: its line, its bus, its pins and its units. */
#ifndef HUB_CONFIG_H
#define HUB_CONFIG_H

/* How the hub talks to the host. */
#define HUB_LINE_UART 1
#define HUB_LINE_UDP  2
#ifndef HUB_LINE
#define HUB_LINE HUB_LINE_UART
#endif

/* How the units are wired: SPI with a select line for each, or I2C behind TCA9548A multiplexers. */
#define HUB_BUS_SPI 1
#define HUB_BUS_I2C 2
#ifndef HUB_BUS
#define HUB_BUS HUB_BUS_SPI
#endif

#define HUB_NAME     "imusic-esp32"
#define HUB_FIRMWARE "1.0.0"
#define HUB_RATE_HZ  100U
/* What the bus has time for: firmware/README.md has the sum, 8 to 10 ms for twelve QMI8658 on one I2C bus. */
#if HUB_BUS == HUB_BUS_SPI
#define HUB_MAX_RATE_HZ 400U
#else
#define HUB_MAX_RATE_HZ 50U
#endif
/* 1: every unit tests itself at boot, 1 s each; the wearer must be still. */
#define HUB_SELF_TEST 0

/* Held low while the hub starts: it lies still on a table, and learns the gyroscopes' offsets. The button BOOT. */
#define HUB_TABLE_GPIO 0

/* How the chip sits on its board, as imusic_sensor_set_axes takes it: the unit's x is up along the skin, z out of it.
 */
#define HUB_AXES {1, 2, 3}

/* Serial line: the UART behind the board's USB socket. */
#define HUB_UART_PORT    UART_NUM_0
#define HUB_UART_BAUD    921600
#define HUB_UART_TX_GPIO UART_PIN_NO_CHANGE
#define HUB_UART_RX_GPIO UART_PIN_NO_CHANGE

/* Wi-Fi. The port is the one that the driver listens on (`--udp 0.0.0.0:5055`). An empty host: the hub sends to whoever
 * sent the last intact packet. */
#define HUB_WIFI_SSID     "network"
#define HUB_WIFI_PASSWORD "password"
#define HUB_UDP_PORT      5055
#define HUB_UDP_HOST      "192.168.1.10"

/* 1: the host has to have the key in hub_key.h, which `imusic key FILE --header hub_key.h` writes; docs/security.md.
 * Wanted on Wi-Fi. Whoever holds the chip can read a key in flash, unless flash is encrypted. */
#ifndef HUB_HAS_KEY
#define HUB_HAS_KEY 0
#endif

/* SPI: mode 0; QMI8658 up to 15 MHz, ICM-42688-P up to 24 MHz; cables on a face want less. */
#define HUB_SPI_HOST           SPI2_HOST
#define HUB_SPI_HZ             8000000
#define HUB_SPI_CLOCK_GPIO     12
#define HUB_SPI_TO_UNIT_GPIO   11
#define HUB_SPI_FROM_UNIT_GPIO 13

/* I2C: 400 kHz is the most of a QMI8658; an ICM-42688-P takes 1 MHz. */
#define HUB_I2C_HZ       400000
#define HUB_I2C_SDA_GPIO 8
#define HUB_I2C_SCL_GPIO 9

/* Where a unit is on I2C: address of its multiplexer, channel there, the unit's own address (0x6A or 0x6B; 0x68 or
 * 0x69). */
#define HUB_AT(multiplexer, channel, address) (((multiplexer) << 16) | ((channel) << 8) | (address))

/* The units in the order of SAMPLE: X(id, place, part, where, light). `place` is the name in the host's sensor layout
 * (config/layouts/face_12.yaml), `part` is imusic_qmi8658 or imusic_icm42688, `where` the select line's GPIO on SPI or
 * HUB_AT on I2C, `light` the GPIO of the unit's own light, -1: none. */
#if HUB_BUS == HUB_BUS_SPI
#define HUB_UNITS(X)                                  \
    X(0, "skull", imusic_qmi8658, 1, -1)              \
    X(1, "frontalis_left", imusic_qmi8658, 2, -1)     \
    X(2, "frontalis_right", imusic_qmi8658, 4, -1)    \
    X(3, "orbicularis_left", imusic_qmi8658, 5, -1)   \
    X(4, "orbicularis_right", imusic_qmi8658, 6, -1)  \
    X(5, "zygomaticus_left", imusic_qmi8658, 7, -1)   \
    X(6, "zygomaticus_right", imusic_qmi8658, 15, -1) \
    X(7, "levator_left", imusic_qmi8658, 16, -1)      \
    X(8, "levator_right", imusic_qmi8658, 17, -1)     \
    X(9, "buccinator_left", imusic_qmi8658, 18, -1)   \
    X(10, "buccinator_right", imusic_qmi8658, 21, -1) \
    X(11, "mentalis", imusic_qmi8658, 38, -1)
#else
#define HUB_UNITS(X)                                                     \
    X(0, "skull", imusic_qmi8658, HUB_AT(0x70, 0, 0x6A), -1)             \
    X(1, "frontalis_left", imusic_qmi8658, HUB_AT(0x70, 0, 0x6B), -1)    \
    X(2, "frontalis_right", imusic_qmi8658, HUB_AT(0x70, 1, 0x6A), -1)   \
    X(3, "orbicularis_left", imusic_qmi8658, HUB_AT(0x70, 1, 0x6B), -1)  \
    X(4, "orbicularis_right", imusic_qmi8658, HUB_AT(0x70, 2, 0x6A), -1) \
    X(5, "zygomaticus_left", imusic_qmi8658, HUB_AT(0x70, 2, 0x6B), -1)  \
    X(6, "zygomaticus_right", imusic_qmi8658, HUB_AT(0x70, 3, 0x6A), -1) \
    X(7, "levator_left", imusic_qmi8658, HUB_AT(0x70, 3, 0x6B), -1)      \
    X(8, "levator_right", imusic_qmi8658, HUB_AT(0x70, 4, 0x6A), -1)     \
    X(9, "buccinator_left", imusic_qmi8658, HUB_AT(0x70, 4, 0x6B), -1)   \
    X(10, "buccinator_right", imusic_qmi8658, HUB_AT(0x70, 5, 0x6A), -1) \
    X(11, "mentalis", imusic_qmi8658, HUB_AT(0x70, 5, 0x6B), -1)
#endif

#endif
