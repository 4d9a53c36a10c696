/* The library as tests call it: storage for hubs, a line that can be full, and what was sent. */
#include <string.h>

#include "hub.h"
#include "sensor.h"

#define MOST_SENT (1U << 20)

typedef struct {
    imusic_hub hub;
    imusic_unit units[IMUSIC_MAX_UNITS];
    imusic_reading readings[IMUSIC_MAX_UNITS];
    uint8_t frame[IMUSIC_MAX_FRAME + 1U];
    uint8_t waiting[2048];
    uint8_t sent[MOST_SENT];
    size_t sent_length;
    size_t room; /* bytes that the line takes until it is given more */
    size_t lit;  /* times a light was switched on */
    size_t dimmed;
    uint32_t boot_id;
    uint8_t key[IMUSIC_KEY_BYTES];
    uint8_t nonce[IMUSIC_NONCE_BYTES];
    uint64_t (*measure)(uint64_t due_us, imusic_reading *readings, size_t count);
} under_test;

size_t under_test_bytes(void);
int under_test_init(under_test *self, const imusic_unit *units, size_t count, uint16_t rate_hz, uint16_t max_rate_hz,
                    uint64_t silence_us, uint64_t catch_up_us, size_t waiting_capacity, uint32_t boot_id, int lights,
                    uint64_t (*measure)(uint64_t, imusic_reading *, size_t), uint64_t now_us);
size_t under_test_receive(under_test *self, const uint8_t *bytes, size_t length, uint64_t now_us);
void under_test_poll(under_test *self, uint64_t now_us);
uint64_t under_test_next_us(const under_test *self, uint64_t now_us);
size_t under_test_take(under_test *self, uint8_t *bytes);
void under_test_give_room(under_test *self, size_t bytes);
void under_test_counters(const under_test *self, uint32_t *counters);
void under_test_set_sequence(under_test *self, uint32_t sequence);
void under_test_set_flags(under_test *self, size_t unit, uint8_t flags);
void under_test_set_key(under_test *self, const uint8_t *key, const uint8_t *nonce);
void under_test_seal_counters(const under_test *self, uint32_t *counters);

size_t parser_bytes(void);
size_t parser_feed(imusic_parser *parser, const uint8_t *bytes, size_t length, imusic_host_packet *packets,
                   size_t most);
void parser_counters(const imusic_parser *parser, uint32_t *counters);

size_t sensor_bytes(void);
void sensor_init(imusic_sensor *sensor, int part, bool (*write)(void *, uint8_t, uint8_t),
                 bool (*read)(void *, uint8_t, uint8_t *, size_t), void (*wait_us)(void *, uint32_t));
int sensor_state(const imusic_sensor *sensor);
uint32_t sensor_torn(const imusic_sensor *sensor);
const imusic_part *sensor_part(int part);

static bool take_frame(void *context, const uint8_t *frame, size_t length, bool is_answer)
{
    under_test *self = context;
    (void)is_answer;
    if (length > self->room || length > MOST_SENT - self->sent_length) {
        return false;
    }
    self->room -= length;
    memcpy(&self->sent[self->sent_length], frame, length);
    self->sent_length += length;
    return true;
}

static uint64_t measure(void *context, uint64_t due_us, imusic_reading *readings)
{
    under_test *self = context;
    return self->measure(due_us, readings, self->hub.config.unit_count);
}

static void light(void *context, size_t unit, bool on)
{
    under_test *self = context;
    (void)unit;
    self->lit += on ? 1U : 0U;
    self->dimmed += on ? 0U : 1U;
}

static uint32_t draw_boot_id(void *context)
{
    return ((under_test *)context)->boot_id;
}

static void draw_nonce(void *context, uint8_t *bytes, size_t length)
{
    memcpy(bytes, ((under_test *)context)->nonce, length);
}

size_t under_test_bytes(void)
{
    return sizeof(under_test);
}

int under_test_init(under_test *self, const imusic_unit *units, size_t count, uint16_t rate_hz, uint16_t max_rate_hz,
                    uint64_t silence_us, uint64_t catch_up_us, size_t waiting_capacity, uint32_t boot_id, int lights,
                    uint64_t (*measured)(uint64_t, imusic_reading *, size_t), uint64_t now_us)
{
    const imusic_platform platform = {self, take_frame, measure, lights ? light : NULL, draw_boot_id, draw_nonce,
                                      NULL};
    imusic_hub_config config = {
        IMUSIC_TEXT("bench-hub"), IMUSIC_TEXT("1.0"), 0, 0, 0, 0, NULL, 0, NULL, NULL, 0, NULL, 0, NULL};
    memset(self, 0, sizeof(*self));
    memcpy(self->units, units, (count < IMUSIC_MAX_UNITS ? count : IMUSIC_MAX_UNITS) * sizeof(*units));
    self->room = SIZE_MAX;
    self->boot_id = boot_id;
    self->measure = measured;
    config.rate_hz = rate_hz;
    config.max_rate_hz = max_rate_hz;
    config.silence_us = silence_us;
    config.catch_up_us = catch_up_us;
    config.units = self->units;
    config.unit_count = count;
    config.readings = self->readings;
    config.frame = self->frame;
    config.frame_capacity = sizeof(self->frame);
    config.waiting = self->waiting;
    config.waiting_capacity = waiting_capacity;
    return (int)imusic_hub_init(&self->hub, &config, &platform, now_us);
}

size_t under_test_receive(under_test *self, const uint8_t *bytes, size_t length, uint64_t now_us)
{
    return imusic_hub_receive(&self->hub, bytes, length, now_us);
}

void under_test_poll(under_test *self, uint64_t now_us)
{
    imusic_hub_poll(&self->hub, now_us);
}

uint64_t under_test_next_us(const under_test *self, uint64_t now_us)
{
    return imusic_hub_next_us(&self->hub, now_us);
}

size_t under_test_take(under_test *self, uint8_t *bytes)
{
    const size_t length = self->sent_length;
    memcpy(bytes, self->sent, length);
    self->sent_length = 0U;
    return length;
}

void under_test_give_room(under_test *self, size_t bytes)
{
    self->room = bytes;
}

void under_test_counters(const under_test *self, uint32_t *counters)
{
    counters[0] = self->hub.sent;
    counters[1] = self->hub.dropped;
    counters[2] = self->hub.missed;
    counters[3] = self->hub.dropped_answers;
    counters[4] = (uint32_t)self->lit;
    counters[5] = (uint32_t)self->dimmed;
}

void under_test_set_sequence(under_test *self, uint32_t sequence)
{
    self->hub.sequence = sequence;
}

void under_test_set_flags(under_test *self, size_t unit, uint8_t flags)
{
    self->units[unit].flags = flags;
}

void under_test_set_key(under_test *self, const uint8_t *key, const uint8_t *nonce)
{
    memcpy(self->key, key, IMUSIC_KEY_BYTES);
    memcpy(self->nonce, nonce, IMUSIC_NONCE_BYTES);
    self->hub.config.key = self->key;
    imusic_guard_init(&self->hub.guard, self->key);
}

void under_test_seal_counters(const under_test *self, uint32_t *counters)
{
    memcpy(counters, self->hub.guard.rejects, sizeof(self->hub.guard.rejects));
    counters[IMUSIC_SEAL_REASONS] = self->hub.guard.sessions;
}

size_t parser_bytes(void)
{
    return sizeof(imusic_parser);
}

size_t parser_feed(imusic_parser *parser, const uint8_t *bytes, size_t length, imusic_host_packet *packets, size_t most)
{
    size_t count = 0U;
    for (size_t i = 0U; i < length; i++) {
        imusic_host_packet packet;
        if (imusic_parser_push(parser, bytes[i], &packet)) {
            if (count < most) {
                packets[count] = packet;
            }
            count++;
        }
    }
    return count;
}

void parser_counters(const imusic_parser *parser, uint32_t *counters)
{
    memcpy(counters, parser->rejects, sizeof(parser->rejects));
    counters[IMUSIC_REASONS] = parser->echoes;
    counters[IMUSIC_REASONS + 1] = parser->packets;
}

size_t sensor_bytes(void)
{
    return sizeof(imusic_sensor);
}

const imusic_part *sensor_part(int part)
{
    return part == 0 ? &imusic_qmi8658 : &imusic_icm42688;
}

void sensor_init(imusic_sensor *sensor, int part, bool (*write)(void *, uint8_t, uint8_t),
                 bool (*read)(void *, uint8_t, uint8_t *, size_t), void (*wait_us)(void *, uint32_t))
{
    const imusic_bus bus = {NULL, write, read, wait_us};
    imusic_sensor_init(sensor, sensor_part(part), &bus);
}

int sensor_state(const imusic_sensor *sensor)
{
    return (int)sensor->state;
}

uint32_t sensor_torn(const imusic_sensor *sensor)
{
    return sensor->torn;
}
