/* What firmware/esp32 asks of its chip, on this computer: tasks are threads, the UART is a pseudo-terminal, the SPI bus
 * has models of QMI8658 at rest. `esp_on_host LINK`: makes a link to the terminal and is the hub until it is ended. */
#define _XOPEN_SOURCE 700

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "driver/gpio.h"
#include "driver/spi_master.h"
#include "driver/uart.h"
#include "esp_random.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "hub_config.h"
#include "nvs.h"
#include "nvs_flash.h"

void app_main(void);

static void sleep_us(int64_t us)
{
    const struct timespec time = {(time_t)(us / 1000000), (long)((us % 1000000) * 1000)};
    (void)nanosleep(&time, NULL);
}

/* ---- FreeRTOS. A tick is 1 ms; only waiting without end and not at all are used. ---- */

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t length, item_bytes, first, count;
    uint8_t *items;
};

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_bytes)
{
    struct queue *queue = calloc(1U, sizeof(*queue));
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->changed, NULL);
    queue->length = length;
    queue->item_bytes = item_bytes;
    queue->items = calloc(length, item_bytes);
    return queue;
}

BaseType_t xQueueSend(QueueHandle_t queue, const void *item, TickType_t wait)
{
    BaseType_t done = 0;
    (void)pthread_mutex_lock(&queue->lock);
    while ((queue->count == queue->length) && (wait == portMAX_DELAY)) {
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
    }
    if (queue->count < queue->length) {
        const size_t slot = (queue->first + queue->count) % queue->length;
        (void)memcpy(&queue->items[slot * queue->item_bytes], item, queue->item_bytes);
        queue->count++;
        done = pdTRUE;
        (void)pthread_cond_broadcast(&queue->changed);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return done;
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t wait)
{
    (void)wait;
    (void)pthread_mutex_lock(&queue->lock);
    while (queue->count == 0U) {
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
    }
    (void)memcpy(item, &queue->items[queue->first * queue->item_bytes], queue->item_bytes);
    queue->first = (queue->first + 1U) % queue->length;
    queue->count--;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
    return pdTRUE;
}

typedef struct {
    TaskFunction_t code;
    void *argument;
} task;

static void *run_task(void *started)
{
    const task self = *(task *)started;
    free(started);
    self.code(self.argument);
    return NULL;
}

BaseType_t xTaskCreate(TaskFunction_t code, const char *name, uint32_t stack, void *argument, UBaseType_t priority,
                       TaskHandle_t *handle)
{
    pthread_t thread;
    task *started = calloc(1U, sizeof(*started));
    (void)name;
    (void)stack;
    (void)priority;
    (void)handle;
    started->code = code;
    started->argument = argument;
    return pthread_create(&thread, NULL, run_task, started) == 0 ? pdTRUE : 0;
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *name, uint32_t stack, void *argument,
                                   UBaseType_t priority, TaskHandle_t *handle, BaseType_t core)
{
    (void)core;
    return xTaskCreate(code, name, stack, argument, priority, handle);
}

void vTaskDelay(TickType_t ticks)
{
    sleep_us((int64_t)ticks * 1000);
}

/* ---- Time and chance. ---- */

struct esp_timer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    esp_timer_cb_t callback;
    void *argument;
    int64_t due_us; /* 0: does not run */
};

static int64_t begin_us;

int64_t esp_timer_get_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000000) + (now.tv_nsec / 1000) - begin_us;
}

static void *run_timer(void *argument)
{
    struct esp_timer *timer = argument;
    (void)pthread_mutex_lock(&timer->lock);
    for (;;) {
        const int64_t due_us = timer->due_us;
        const int64_t at_us = due_us + begin_us;
        const struct timespec until = {(time_t)(at_us / 1000000), (long)((at_us % 1000000) * 1000)};
        if (due_us == 0) {
            (void)pthread_cond_wait(&timer->changed, &timer->lock);
        } else if (esp_timer_get_time() < due_us) {
            (void)pthread_cond_timedwait(&timer->changed, &timer->lock, &until);
        } else {
            timer->due_us = 0;
            (void)pthread_mutex_unlock(&timer->lock);
            timer->callback(timer->argument);
            (void)pthread_mutex_lock(&timer->lock);
        }
    }
    return NULL;
}

esp_err_t esp_timer_create(const esp_timer_create_args_t *arguments, esp_timer_handle_t *handle)
{
    pthread_t thread;
    pthread_condattr_t attributes;
    struct esp_timer *timer = calloc(1U, sizeof(*timer));
    (void)pthread_mutex_init(&timer->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&timer->changed, &attributes);
    timer->callback = arguments->callback;
    timer->argument = arguments->arg;
    *handle = timer;
    return pthread_create(&thread, NULL, run_timer, timer) == 0 ? ESP_OK : ESP_FAIL;
}

static esp_err_t set_timer(esp_timer_handle_t timer, int64_t due_us)
{
    (void)pthread_mutex_lock(&timer->lock);
    timer->due_us = due_us;
    (void)pthread_cond_signal(&timer->changed);
    (void)pthread_mutex_unlock(&timer->lock);
    return ESP_OK;
}

esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us)
{
    return set_timer(timer, esp_timer_get_time() + (int64_t)timeout_us);
}

esp_err_t esp_timer_stop(esp_timer_handle_t timer)
{
    return set_timer(timer, 0);
}

uint32_t esp_random(void)
{
    return (uint32_t)getpid();
}

void esp_fill_random(void *bytes, size_t length)
{
    FILE *source = fopen("/dev/urandom", "rb");
    if (source == NULL || fread(bytes, 1U, length, source) != length) {
        abort();
    }
    (void)fclose(source);
}

void esp_rom_delay_us(uint32_t us)
{
    sleep_us(us);
}

/* ---- Flash: nothing is stored yet, and what is stored is kept while the program runs. ---- */

static uint8_t stored[1024];
static size_t stored_bytes;

esp_err_t nvs_flash_init(void)
{
    return ESP_OK;
}

esp_err_t nvs_flash_erase(void)
{
    return ESP_OK;
}

esp_err_t nvs_open(const char *name, nvs_open_mode_t mode, nvs_handle_t *handle)
{
    (void)name;
    *handle = 1U;
    return ((mode == NVS_READWRITE) || (stored_bytes > 0U)) ? ESP_OK : ESP_FAIL;
}

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *bytes, size_t *count)
{
    (void)handle;
    (void)key;
    *count = stored_bytes;
    (void)memcpy(bytes, stored, stored_bytes);
    return ESP_OK;
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *bytes, size_t count)
{
    (void)handle;
    (void)key;
    (void)memcpy(stored, bytes, count);
    stored_bytes = count;
    return ESP_OK;
}

esp_err_t nvs_commit(nvs_handle_t handle)
{
    (void)handle;
    return ESP_OK;
}

void nvs_close(nvs_handle_t handle)
{
    (void)handle;
}

/* ---- Pins and the units behind them. A QMI8658 measures 897 times a second: gravity on x, an offset and noise. ----
 */

#define PINS      64
#define PERIOD_US 1115

typedef struct {
    bool is_unit;
    bool selected;
    uint8_t registers[128];
    int64_t read_us;
} pin;

static pin pins[PINS];
static bool on_table; /* whether the button is held at the start */

esp_err_t gpio_config(const gpio_config_t *config)
{
    return config->pin_bit_mask != 0U ? ESP_OK : ESP_ERR_INVALID_ARG;
}

int gpio_get_level(gpio_num_t number)
{
    return (on_table && (number == HUB_TABLE_GPIO)) ? 0 : 1;
}

esp_err_t gpio_set_level(gpio_num_t number, uint32_t level)
{
    pins[number].selected = level == 0U;
    return ESP_OK;
}

static void reset_unit(pin *unit)
{
    (void)memset(unit->registers, 0, sizeof(unit->registers));
    unit->registers[0x00] = 0x05U;
    unit->registers[0x02] = 0x20U;
}

static void measure_unit(pin *unit, int64_t now_us)
{
    static const int means[6] = {4096, 20, -30, 96, -160, 40}; /* x up; 3, -5 and 1.25 degrees per second */
    const bool runs = (unit->registers[0x08] & 0x03U) == 0x03U;
    unit->registers[0x2E] = (runs && (now_us / PERIOD_US != unit->read_us / PERIOD_US)) ? 3U : 0U;
    unit->registers[0x30] = (uint8_t)((now_us / PERIOD_US) & 0xFF);
    for (size_t i = 0U; i < 6U; i++) {
        const int count = means[i] + (int)((now_us / PERIOD_US * (int64_t)(7U + i)) % 5) - 2;
        unit->registers[0x35U + (2U * i)] = (uint8_t)((unsigned int)count & 0xFFU);
        unit->registers[0x36U + (2U * i)] = (uint8_t)(((unsigned int)count >> 8) & 0xFFU);
    }
}

esp_err_t spi_bus_initialize(spi_host_device_t host, const spi_bus_config_t *config, spi_dma_chan_t dma)
{
    (void)host;
    (void)dma;
    return config->sclk_io_num == HUB_SPI_CLOCK_GPIO ? ESP_OK : ESP_FAIL;
}

esp_err_t spi_bus_add_device(spi_host_device_t host, const spi_device_interface_config_t *config,
                             spi_device_handle_t *handle)
{
    (void)host;
    *handle = NULL;
    return config->clock_speed_hz <= 15000000 ? ESP_OK : ESP_FAIL;
}

esp_err_t spi_device_polling_transmit(spi_device_handle_t handle, spi_transaction_t *transaction)
{
    const uint8_t *sent = transaction->tx_buffer;
    uint8_t *received = transaction->rx_buffer;
    const size_t count = transaction->length / 8U;
    pin *unit = NULL;
    (void)handle;
    for (size_t i = 0U; i < PINS; i++) {
        if (pins[i].selected) {
            if (unit != NULL) {
                abort(); /* two units on the bus at once */
            }
            unit = &pins[i];
        }
    }
    (void)memset(received, 0xFF, count);
    if ((unit == NULL) || !unit->is_unit) {
        return ESP_OK; /* nobody drives the line */
    }
    if ((sent[0] & 0x80U) == 0U) {
        unit->registers[sent[0]] = sent[1];
        if ((sent[0] == 0x60U) && (sent[1] == 0xB0U)) {
            reset_unit(unit);
        }
    } else {
        const int64_t now_us = esp_timer_get_time();
        const uint8_t reg = sent[0] & 0x7FU;
        if (reg >= 0x2EU) {
            measure_unit(unit, now_us);
        }
        if (reg == 0x2EU) {
            unit->read_us = now_us;
        }
        for (size_t i = 1U; i < count; i++) {
            const bool increments = (unit->registers[0x02] & 0x40U) != 0U;
            received[i] = unit->registers[(reg + (increments ? (i - 1U) : 0U)) & 0x7FU];
        }
    }
    return ESP_OK;
}

/* ---- The UART. ---- */

static int line = -1;

esp_err_t uart_driver_install(uart_port_t port, int rx_bytes, int tx_bytes, int queue_size, QueueHandle_t *queue,
                              int flags)
{
    (void)port;
    (void)rx_bytes;
    (void)tx_bytes;
    (void)queue_size;
    (void)queue;
    (void)flags;
    return line >= 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t uart_param_config(uart_port_t port, const uart_config_t *config)
{
    (void)port;
    return config->baud_rate == 921600 ? ESP_OK : ESP_FAIL;
}

esp_err_t uart_set_pin(uart_port_t port, int tx, int rx, int rts, int cts)
{
    (void)port;
    (void)tx;
    (void)rx;
    (void)rts;
    (void)cts;
    return ESP_OK;
}

static uint8_t arrived[256];
static size_t arrived_bytes;

int uart_read_bytes(uart_port_t port, void *bytes, uint32_t count, TickType_t wait)
{
    (void)port;
    while ((arrived_bytes == 0U) && (wait == portMAX_DELAY)) {
        const ssize_t got = read(line, arrived, sizeof(arrived));
        arrived_bytes = got > 0 ? (size_t)got : 0U;
        if (got <= 0) {
            sleep_us(10000); /* nobody has the terminal open */
        }
    }
    if (count > arrived_bytes) {
        count = (uint32_t)arrived_bytes;
    }
    (void)memcpy(bytes, arrived, count);
    arrived_bytes -= count;
    (void)memmove(arrived, &arrived[count], arrived_bytes);
    return (int)count;
}

esp_err_t uart_get_buffered_data_len(uart_port_t port, size_t *count)
{
    (void)port;
    *count = arrived_bytes;
    return ESP_OK;
}

int uart_write_bytes(uart_port_t port, const void *bytes, size_t count)
{
    (void)port;
    /* A serial line loses what nobody reads. */
    (void)!write(line, bytes, count);
    return (int)count;
}

esp_err_t uart_get_tx_buffer_free_size(uart_port_t port, size_t *count)
{
    (void)port;
    *count = 4096U;
    return ESP_OK;
}

static void open_line(const char *link)
{
    struct termios settings;
    int other;
    line = posix_openpt(O_RDWR | O_NOCTTY);
    if ((line < 0) || (grantpt(line) < 0) || (unlockpt(line) < 0)) {
        exit(2);
    }
    other = open(ptsname(line), O_RDWR | O_NOCTTY);
    (void)tcgetattr(other, &settings);
    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    (void)tcsetattr(other, TCSANOW, &settings);
    /* Kept open, so that the terminal stays as it is; what nobody reads must not stop us. */
    (void)fcntl(line, F_SETFL, fcntl(line, F_GETFL) | O_NONBLOCK);
    if (symlink(ptsname(line), link) < 0) {
        exit(2);
    }
}

#define MARK_UNIT(id, place, part, where, light) pins[where].is_unit = ((id) != absent);

int main(int argc, char **argv)
{
    const int absent = argc > 2 ? atoi(argv[2]) : -1;
    struct timespec now;
    if (argc < 2) {
        return 2;
    }
    on_table = argc > 3;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    begin_us = ((int64_t)now.tv_sec * 1000000) + (now.tv_nsec / 1000) - 1000;
    HUB_UNITS(MARK_UNIT)
    for (size_t i = 0U; i < PINS; i++) {
        reset_unit(&pins[i]);
    }
    open_line(argv[1]);
    app_main();
    (void)printf("hub at %s\n", argv[1]);
    (void)fflush(stdout);
    for (;;) {
        sleep_us(1000000);
    }
}
