/* The line to the host; line_uart.c or line_udp.c, as hub_config.h says. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "hub_config.h"

#define LINE_PIECE 64U

/* Bytes that arrived together, or none: then the hub's time has come. */
typedef struct {
    int64_t time_us; /* when the last byte arrived */
    uint32_t sender; /* over UDP: IPv4 address and port, in network order */
    uint16_t sender_port;
    uint16_t length;
    uint8_t bytes[LINE_PIECE];
} line_piece;

/* Begin; what arrives is put into `inbox`. */
void line_begin(QueueHandle_t inbox);

/* As imusic_platform.send. */
bool line_send(void *context, const uint8_t *frame, size_t length, bool is_answer);

/* Send a frame to whoever sent the piece, who may be nobody's host; it may be lost. */
void line_reply(const line_piece *piece, const uint8_t *frame, size_t length);

/* The piece held an intact packet: over UDP its sender is the host from now on, unless one is configured. */
void line_heard(const line_piece *piece);

#endif
