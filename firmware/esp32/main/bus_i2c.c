/* Units on one I2C bus behind TCA9548A multiplexers. A multiplexer's only register has one bit for each channel (Texas
 * Instruments datasheet SCPS207, control register). Only one channel of one multiplexer is open at a time: units have
 * two addresses between them. */
#include "bus.h"

#if HUB_BUS == HUB_BUS_I2C

#include "driver/i2c_master.h"
#include "esp_err.h"
#include "esp_rom_sys.h"

#define TIMEOUT_MS 2 /* a unit that holds the bus must not cost the others their sample */
#define ADDRESSES  128

static i2c_master_bus_handle_t bus_handle;
static i2c_master_dev_handle_t devices[ADDRESSES]; /* by address, multiplexers and units */
static int open_multiplexer = -1;
static int open_channel = -1;

static int multiplexer_of(int place)
{
    return (place >> 16) & 0x7F;
}

static int channel_of(int place)
{
    return (place >> 8) & 0x07;
}

static int address_of(int place)
{
    return place & 0x7F;
}

static void add_device(int address)
{
    if (devices[address] == NULL) {
        const i2c_device_config_t device = {
            .dev_addr_length = I2C_ADDR_BIT_LEN_7,
            .device_address = (uint16_t)address,
            .scl_speed_hz = HUB_I2C_HZ,
        };
        ESP_ERROR_CHECK(i2c_master_bus_add_device(bus_handle, &device, &devices[address]));
    }
}

void bus_begin(const int *places, size_t count)
{
    const i2c_master_bus_config_t bus = {
        .i2c_port = I2C_NUM_0,
        .sda_io_num = (gpio_num_t)HUB_I2C_SDA_GPIO,
        .scl_io_num = (gpio_num_t)HUB_I2C_SCL_GPIO,
        .clk_source = I2C_CLK_SRC_DEFAULT,
        .glitch_ignore_cnt = 7,
    };
    ESP_ERROR_CHECK(i2c_new_master_bus(&bus, &bus_handle));
    for (size_t i = 0U; i < count; i++) {
        add_device(multiplexer_of(places[i]));
        add_device(address_of(places[i]));
    }
}

static bool set_channels(int multiplexer, uint8_t channels)
{
    return i2c_master_transmit(devices[multiplexer], &channels, 1U, TIMEOUT_MS) == ESP_OK;
}

/* Open the way to a unit; nothing is written where it is open already. */
static bool open_way(int place)
{
    bool done = true;
    if ((open_multiplexer >= 0) && (open_multiplexer != multiplexer_of(place))) {
        done = set_channels(open_multiplexer, 0U);
    }
    if (done && ((open_multiplexer != multiplexer_of(place)) || (open_channel != channel_of(place)))) {
        done = set_channels(multiplexer_of(place), (uint8_t)(1U << (unsigned int)channel_of(place)));
        open_multiplexer = multiplexer_of(place);
        open_channel = done ? channel_of(place) : -1;
    }
    return done;
}

static bool write_reg(void *context, uint8_t reg, uint8_t value)
{
    const int place = *(const int *)context;
    const uint8_t bytes[2] = {reg, value};
    return open_way(place) &&
           (i2c_master_transmit(devices[address_of(place)], bytes, sizeof(bytes), TIMEOUT_MS) == ESP_OK);
}

static bool read_regs(void *context, uint8_t reg, uint8_t *bytes, size_t count)
{
    const int place = *(const int *)context;
    return open_way(place) &&
           (i2c_master_transmit_receive(devices[address_of(place)], &reg, 1U, bytes, count, TIMEOUT_MS) == ESP_OK);
}

static void wait_us(void *context, uint32_t us)
{
    (void)context;
    esp_rom_delay_us(us);
}

imusic_bus bus_to(const int *place)
{
    /* The context is only read. */
    const imusic_bus bus = {(void *)(uintptr_t)place, write_reg, read_regs, wait_us};
    return bus;
}

#endif
