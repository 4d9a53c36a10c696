/* Units on one SPI bus, each with a select line. The lines are switched here: the SPI host has too few of its own for a
 * face. */
#include "bus.h"

#if HUB_BUS == HUB_BUS_SPI

#include <string.h>

#include "driver/gpio.h"
#include "driver/spi_master.h"
#include "esp_err.h"
#include "esp_rom_sys.h"

#define READ 0x80U /* first bit of the address; both parts */

static spi_device_handle_t device;

void bus_begin(const int *places, size_t count)
{
    const spi_bus_config_t bus = {
        .mosi_io_num = HUB_SPI_TO_UNIT_GPIO,
        .miso_io_num = HUB_SPI_FROM_UNIT_GPIO,
        .sclk_io_num = HUB_SPI_CLOCK_GPIO,
        .quadwp_io_num = -1,
        .quadhd_io_num = -1,
    };
    const spi_device_interface_config_t any_unit = {
        .mode = 0,
        .clock_speed_hz = HUB_SPI_HZ,
        .spics_io_num = -1,
        .queue_size = 1,
    };
    for (size_t i = 0U; i < count; i++) {
        const gpio_config_t select = {.pin_bit_mask = 1ULL << (unsigned int)places[i], .mode = GPIO_MODE_OUTPUT};
        ESP_ERROR_CHECK(gpio_config(&select));
        ESP_ERROR_CHECK(gpio_set_level((gpio_num_t)places[i], 1U));
    }
    /* Bursts are shorter than the host's own buffer of 64 bytes: DMA would only cost time. */
    ESP_ERROR_CHECK(spi_bus_initialize(HUB_SPI_HOST, &bus, SPI_DMA_DISABLED));
    ESP_ERROR_CHECK(spi_bus_add_device(HUB_SPI_HOST, &any_unit, &device));
}

static bool transfer(const int *place, const uint8_t *to_unit, uint8_t *from_unit, size_t count)
{
    const gpio_num_t select = (gpio_num_t)*place;
    esp_err_t result;
    spi_transaction_t transaction = {
        .length = 8U * count,
        .tx_buffer = to_unit,
        .rx_buffer = from_unit,
    };
    (void)gpio_set_level(select, 0U);
    result = spi_device_polling_transmit(device, &transaction);
    (void)gpio_set_level(select, 1U);
    return result == ESP_OK;
}

static bool write_reg(void *context, uint8_t reg, uint8_t value)
{
    const uint8_t to_unit[2] = {reg, value};
    uint8_t from_unit[2];
    return transfer(context, to_unit, from_unit, sizeof(to_unit));
}

static bool read_regs(void *context, uint8_t reg, uint8_t *bytes, size_t count)
{
    uint8_t to_unit[1U + IMUSIC_MAX_BURST] = {0U};
    uint8_t from_unit[1U + IMUSIC_MAX_BURST];
    bool done = false;
    if (count <= IMUSIC_MAX_BURST) {
        to_unit[0] = (uint8_t)(reg | READ);
        done = transfer(context, to_unit, from_unit, count + 1U);
        if (done) {
            (void)memcpy(bytes, &from_unit[1], count);
        }
    }
    return done;
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
