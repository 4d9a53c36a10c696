#include "driver/gpio.h"
#include <stddef.h>
typedef struct i2c_master_bus *i2c_master_bus_handle_t;
typedef struct i2c_master_dev *i2c_master_dev_handle_t;
typedef enum {
    I2C_CLK_SRC_DEFAULT
} i2c_clock_source_t;
typedef enum {
    I2C_ADDR_BIT_LEN_7
} i2c_addr_bit_len_t;
#define I2C_NUM_0 0
typedef struct {
    int i2c_port;
    gpio_num_t sda_io_num, scl_io_num;
    i2c_clock_source_t clk_source;
    uint8_t glitch_ignore_cnt;
    int intr_priority;
    size_t trans_queue_depth;
} i2c_master_bus_config_t;
typedef struct {
    i2c_addr_bit_len_t dev_addr_length;
    uint16_t device_address;
    uint32_t scl_speed_hz;
    uint32_t scl_wait_us;
} i2c_device_config_t;
esp_err_t i2c_new_master_bus(const i2c_master_bus_config_t *config, i2c_master_bus_handle_t *handle);
esp_err_t i2c_master_bus_add_device(i2c_master_bus_handle_t bus, const i2c_device_config_t *config,
                                    i2c_master_dev_handle_t *handle);
esp_err_t i2c_master_transmit(i2c_master_dev_handle_t device, const uint8_t *bytes, size_t count, int timeout_ms);
esp_err_t i2c_master_transmit_receive(i2c_master_dev_handle_t device, const uint8_t *sent, size_t sent_count,
                                      uint8_t *received, size_t received_count, int timeout_ms);
