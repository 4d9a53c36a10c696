/* The host on a serial line. */
#include "line.h"

#if HUB_LINE == HUB_LINE_UART

#include "driver/uart.h"
#include "esp_err.h"
#include "esp_timer.h"
#include "freertos/task.h"

#define RECEIVED_BYTES 2048
#define SENT_BYTES     4096
/* What the driver's queue needs beside the bytes themselves. */
#define MARGIN 64U
/* A SAMPLE joins at most this many bytes that are on their way: so that a PONG waits for two samples, 4 ms, and not for
 * a full queue. */
#define MOST_BEFORE_SAMPLE 200U

static size_t room_when_empty;

static void receive(void *argument)
{
    const QueueHandle_t inbox = argument;
    for (;;) {
        line_piece piece = {0};
        size_t more = 0U;
        int count = uart_read_bytes(HUB_UART_PORT, piece.bytes, 1U, portMAX_DELAY);
        piece.time_us = esp_timer_get_time();
        if ((count == 1) && (uart_get_buffered_data_len(HUB_UART_PORT, &more) == ESP_OK) && (more > 0U)) {
            const size_t fits = (more < (LINE_PIECE - 1U)) ? more : (LINE_PIECE - 1U);
            const int rest = uart_read_bytes(HUB_UART_PORT, &piece.bytes[1], (uint32_t)fits, 0U);
            count += (rest > 0) ? rest : 0;
        }
        if (count > 0) {
            piece.length = (uint16_t)count;
            (void)xQueueSend(inbox, &piece, portMAX_DELAY);
        }
    }
}

void line_begin(QueueHandle_t inbox)
{
    const uart_config_t settings = {
        .baud_rate = HUB_UART_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(HUB_UART_PORT, RECEIVED_BYTES, SENT_BYTES, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(HUB_UART_PORT, &settings));
    ESP_ERROR_CHECK(
        uart_set_pin(HUB_UART_PORT, HUB_UART_TX_GPIO, HUB_UART_RX_GPIO, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
    ESP_ERROR_CHECK(uart_get_tx_buffer_free_size(HUB_UART_PORT, &room_when_empty));
    (void)xTaskCreate(receive, "line", 3072U, inbox, configMAX_PRIORITIES - 2, NULL);
}

bool line_send(void *context, const uint8_t *frame, size_t length, bool is_answer)
{
    size_t room = 0U;
    (void)context;
    if ((uart_get_tx_buffer_free_size(HUB_UART_PORT, &room) != ESP_OK) || (room < (length + MARGIN))) {
        return false;
    }
    if (!is_answer && ((room_when_empty - room) > MOST_BEFORE_SAMPLE)) {
        return false;
    }
    return uart_write_bytes(HUB_UART_PORT, frame, length) == (int)length;
}

void line_reply(const line_piece *piece, const uint8_t *frame, size_t length)
{
    (void)piece;
    (void)line_send(NULL, frame, length, true);
}

void line_heard(const line_piece *piece)
{
    (void)piece; /* there is only one at the other end */
}

#endif
