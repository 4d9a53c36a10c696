#include "hub.h"

#include <string.h>

#define SECOND_US 1000000ULL
/* A full line is tried again after this. */
#define RETRY_US     1000ULL
#define LENGTH_BYTES 2U
/* Of a message in ACK. */
#define MESSAGE_BYTES 255U

static uint64_t due_us(const imusic_hub *hub)
{
    return hub->paced_from_us + ((hub->paced * SECOND_US) / hub->rate_hz);
}

/* Samples of `rate_hz` from `from_us` on. */
static void pace(imusic_hub *hub, uint64_t from_us, uint16_t rate_hz)
{
    hub->paced_from_us = from_us;
    hub->paced = 0U;
    hub->rate_hz = rate_hz;
}

/* What frames are sealed with, NULL without a key. */
static imusic_seal *seal_of(imusic_hub *hub)
{
    return (hub->config.key != NULL) ? &hub->guard.seal : NULL;
}

/* Whether there is a key, and no host has shown that it has it, too. */
static bool nobody_is_known(const imusic_hub *hub)
{
    return (hub->config.key != NULL) && !hub->guard.begun;
}

static size_t encode_hello(imusic_hub *hub)
{
    imusic_hello hello;
    uint8_t *frame = hub->config.frame;
    hello.boot_id = hub->boot_id;
    hello.rate_hz = hub->rate_hz;
    hello.max_rate_hz = hub->config.max_rate_hz;
    hello.flags = (uint8_t)(IMUSIC_CAN_SEAL | (hub->streaming ? IMUSIC_STREAMING : 0U));
    hello.fields = IMUSIC_FIELD_GYRO | IMUSIC_FIELD_ACCEL;
    hello.hub = hub->config.name;
    hello.firmware = hub->config.firmware;
    hello.units = hub->config.units;
    hello.unit_count = hub->config.unit_count;
    return imusic_encode_hello(frame, hub->config.frame_capacity, seal_of(hub), &hello);
}

/* Text that is put together in a fixed buffer and cut where that ends. */
typedef struct {
    char bytes[MESSAGE_BYTES];
    size_t length;
} message;

static void add_string(message *text, const char *string)
{
    for (size_t i = 0U; (string[i] != '\0') && (text->length < MESSAGE_BYTES); i++) {
        text->bytes[text->length] = string[i];
        text->length++;
    }
}

static void add_number(message *text, uint16_t number)
{
    char digits[6] = {0};
    size_t at = sizeof(digits) - 1U;
    uint16_t rest = number;
    do {
        at--;
        digits[at] = (char)('0' + (rest % 10U));
        rest = (uint16_t)(rest / 10U);
    } while (rest != 0U);
    add_string(text, &digits[at]);
}

/* What was expected, for people. */
static void explain(const imusic_hub *hub, const imusic_answer *answer, message *text)
{
    text->length = 0U;
    if (answer->result == IMUSIC_RESULT_UNSUPPORTED) {
        add_string(text, "no lights");
    } else if (answer->result == IMUSIC_RESULT_OK) {
        /* Empty on success. */
    } else if (answer->command == IMUSIC_SET_RATE) {
        add_string(text, "rate 1 to ");
        add_number(text, hub->config.max_rate_hz);
        add_string(text, " Hz");
    } else {
        const char *before = "";
        add_string(text, "units present: [");
        for (size_t i = 0U; i < hub->config.unit_count; i++) {
            if ((hub->config.units[i].flags & IMUSIC_PRESENT) != 0U) {
                add_string(text, before);
                add_number(text, hub->config.units[i].id);
                before = ", ";
            }
        }
        add_string(text, "]");
    }
}

static size_t encode_answer(imusic_hub *hub, const imusic_answer *answer)
{
    uint8_t *frame = hub->config.frame;
    const size_t capacity = hub->config.frame_capacity;
    size_t length;
    if (answer->type == IMUSIC_AUTH_CHALLENGE) {
        length = imusic_encode_challenge(frame, capacity, &hub->guard);
    } else if ((answer->type == IMUSIC_REFUSED) || ((answer->type == IMUSIC_HELLO) && nobody_is_known(hub))) {
        length = imusic_encode_refused(frame, capacity);
    } else if (answer->type == IMUSIC_HELLO) {
        length = encode_hello(hub);
    } else if (answer->type == IMUSIC_PONG) {
        length = imusic_encode_pong(frame, capacity, seal_of(hub), answer->token, answer->time_us);
    } else {
        message text;
        imusic_text words;
        explain(hub, answer, &text);
        words.bytes = text.bytes;
        words.length = text.length;
        length = imusic_encode_ack(frame, capacity, seal_of(hub), answer->request_id, answer->command, answer->result,
                                   words);
    }
    return length;
}

static void queue_answer(imusic_hub *hub, const imusic_answer *answer)
{
    if (hub->answer_count < IMUSIC_WAITING_ANSWERS) {
        hub->answers[(hub->first_answer + hub->answer_count) % IMUSIC_WAITING_ANSWERS] = *answer;
        hub->answer_count++;
    } else {
        hub->dropped_answers++;
    }
}

/* An answer that is its type. */
static void queue_type(imusic_hub *hub, uint8_t type)
{
    imusic_answer answer;
    (void)memset(&answer, 0, sizeof(answer));
    answer.type = type;
    queue_answer(hub, &answer);
}

static void queue_hello(imusic_hub *hub)
{
    queue_type(hub, IMUSIC_HELLO);
}

static void queue_ack(imusic_hub *hub, const imusic_host_packet *packet, uint8_t result)
{
    imusic_answer answer;
    (void)memset(&answer, 0, sizeof(answer));
    answer.type = IMUSIC_ACK;
    answer.command = packet->type;
    answer.result = result;
    answer.request_id = packet->request_id;
    queue_answer(hub, &answer);
}

/* Whether all answers are on the line. */
static bool send_answers(imusic_hub *hub)
{
    bool room = true;
    while (room && (hub->answer_count > 0U)) {
        const size_t length = encode_answer(hub, &hub->answers[hub->first_answer]);
        /* What cannot be encoded cannot be sent later either. */
        room = (length == 0U) || hub->platform.send(hub->platform.context, hub->config.frame, length, true);
        if (room) {
            hub->first_answer = (hub->first_answer + 1U) % IMUSIC_WAITING_ANSWERS;
            hub->answer_count--;
        }
    }
    return room;
}

static size_t first_waiting(const imusic_hub *hub)
{
    return (size_t)hub->config.waiting[0] | ((size_t)hub->config.waiting[1] << 8);
}

static void forget_first_waiting(imusic_hub *hub)
{
    const size_t used = first_waiting(hub) + LENGTH_BYTES;
    hub->waiting_length -= used;
    (void)memmove(hub->config.waiting, &hub->config.waiting[used], hub->waiting_length);
}

static void send_waiting(imusic_hub *hub)
{
    bool room = true;
    while (room && (hub->waiting_length > 0U)) {
        room = hub->platform.send(hub->platform.context, &hub->config.waiting[LENGTH_BYTES], first_waiting(hub), false);
        if (room) {
            forget_first_waiting(hub);
            hub->sent++;
        }
    }
}

/* The frame in config.frame goes out behind those that wait. */
static void send_sample(imusic_hub *hub, size_t length)
{
    if (length == 0U) {
        return; /* imusic_hub_init has seen to it that a sample fits */
    }
    /* Nothing overtakes an answer. */
    if ((hub->answer_count == 0U) && (hub->waiting_length == 0U) &&
        hub->platform.send(hub->platform.context, hub->config.frame, length, false)) {
        hub->sent++;
        return;
    }
    while ((hub->waiting_length > 0U) &&
           ((hub->waiting_length + LENGTH_BYTES + length) > hub->config.waiting_capacity)) {
        forget_first_waiting(hub);
        hub->dropped++;
    }
    if ((hub->waiting_length + LENGTH_BYTES + length) > hub->config.waiting_capacity) {
        hub->dropped++;
        return;
    }
    hub->config.waiting[hub->waiting_length] = (uint8_t)(length & 0xFFU);
    hub->config.waiting[hub->waiting_length + 1U] = (uint8_t)((length >> 8) & 0xFFU);
    (void)memcpy(&hub->config.waiting[hub->waiting_length + LENGTH_BYTES], hub->config.frame, length);
    hub->waiting_length += LENGTH_BYTES + length;
}

static void stop(imusic_hub *hub, uint64_t now_us)
{
    /* What still waits would come after the ACK. */
    while (hub->waiting_length > 0U) {
        forget_first_waiting(hub);
        hub->dropped++;
    }
    hub->streaming = false;
    hub->next_hello_us = now_us + IMUSIC_HELLO_PERIOD_US;
}

static void start(imusic_hub *hub, uint64_t now_us)
{
    if (!hub->streaming) {
        hub->streaming = true;
        hub->sequence = 0U;
        pace(hub, now_us, hub->rate_hz);
    }
    /* Else it is a repetition: samples, their numbers and their times go on. */
}

static uint8_t set_rate(imusic_hub *hub, uint16_t rate_hz)
{
    if ((rate_hz < 1U) || (rate_hz > hub->config.max_rate_hz)) {
        return IMUSIC_RESULT_INVALID;
    }
    if (rate_hz != hub->rate_hz) {
        pace(hub, hub->streaming ? due_us(hub) : 0U, rate_hz);
    }
    return IMUSIC_RESULT_OK;
}

static void dim(imusic_hub *hub)
{
    if (hub->lit) {
        hub->lit = false;
        hub->platform.light(hub->platform.context, hub->lit_unit, false);
    }
}

static uint8_t identify(imusic_hub *hub, uint8_t id, uint64_t now_us)
{
    if (hub->platform.light == NULL) {
        return IMUSIC_RESULT_UNSUPPORTED;
    }
    for (size_t i = 0U; i < hub->config.unit_count; i++) {
        const imusic_unit *unit = &hub->config.units[i];
        if ((unit->id == id) && ((unit->flags & IMUSIC_PRESENT) != 0U)) {
            if (!hub->lit || (hub->lit_unit != i)) {
                dim(hub);
                hub->platform.light(hub->platform.context, i, true);
            }
            hub->lit = true;
            hub->lit_unit = i;
            hub->lit_until_us = now_us + IMUSIC_IDENTIFY_US;
            return IMUSIC_RESULT_OK;
        }
    }
    return IMUSIC_RESULT_INVALID;
}

static void answer_packet(imusic_hub *hub, const imusic_host_packet *packet, uint64_t now_us)
{
    imusic_answer pong;
    switch (packet->type) {
    case IMUSIC_PING:
        (void)memset(&pong, 0, sizeof(pong));
        pong.type = IMUSIC_PONG;
        pong.token = packet->token;
        pong.time_us = now_us;
        queue_answer(hub, &pong);
        break;
    case IMUSIC_HELLO_REQUEST:
        queue_hello(hub);
        queue_ack(hub, packet, IMUSIC_RESULT_OK);
        break;
    case IMUSIC_START:
        start(hub, now_us);
        queue_ack(hub, packet, IMUSIC_RESULT_OK);
        break;
    case IMUSIC_STOP:
        stop(hub, now_us);
        queue_ack(hub, packet, IMUSIC_RESULT_OK);
        break;
    case IMUSIC_SET_RATE:
        queue_ack(hub, packet, set_rate(hub, packet->rate_hz));
        break;
    case IMUSIC_IDENTIFY:
        queue_ack(hub, packet, identify(hub, packet->sensor_id, now_us));
        break;
    default:
        /* AUTH_REQUEST or an envelope, and there is no key here: the host will see that it needs none. */
        break;
    }
}

/* To whoever asks, who may be nobody's host. */
static void reply(imusic_hub *hub, uint8_t type)
{
    uint8_t frame[IMUSIC_ANSWER_BYTES];
    if (hub->platform.reply == NULL) {
        queue_type(hub, type);
    } else if (type == IMUSIC_AUTH_CHALLENGE) {
        hub->platform.reply(hub->platform.context, frame, imusic_encode_challenge(frame, sizeof(frame), &hub->guard));
    } else {
        hub->platform.reply(hub->platform.context, frame, imusic_encode_refused(frame, sizeof(frame)));
    }
}

/* With a key: whether a packet is of a host that has it; `packet` is then what was in its envelope. */
static bool is_of_the_host(imusic_hub *hub, imusic_host_packet *packet, uint64_t now_us)
{
    bool is_host = false;
    if (packet->type == IMUSIC_SEALED_BY_HOST) {
        imusic_host_packet inner;
        is_host = imusic_guard_open(&hub->guard, packet, &inner);
        if (is_host) {
            *packet = inner;
        }
    } else if (packet->type == IMUSIC_AUTH_REQUEST) {
        uint8_t nonce[IMUSIC_NONCE_BYTES];
        hub->platform.draw_nonce(hub->platform.context, nonce, sizeof(nonce));
        imusic_guard_ask(&hub->guard, packet->nonce, nonce);
        reply(hub, IMUSIC_AUTH_CHALLENGE);
    } else {
        hub->guard.rejects[IMUSIC_UNSEALED]++;
        if ((packet->type == IMUSIC_HELLO_REQUEST) && imusic_guard_may_refuse(&hub->guard, now_us)) {
            reply(hub, IMUSIC_REFUSED);
        }
    }
    return is_host;
}

static bool units_can_be_used(const imusic_hub_config *config)
{
    if ((config->unit_count < 1U) || (config->unit_count > IMUSIC_MAX_UNITS) || (config->units == NULL) ||
        (config->readings == NULL)) {
        return false;
    }
    for (size_t i = 0U; i < config->unit_count; i++) {
        if ((config->units[i].gyro_range_dps < 1U) || (config->units[i].accel_range_g < 1U)) {
            return false;
        }
        for (size_t k = 0U; k < i; k++) {
            if (config->units[k].id == config->units[i].id) {
                return false;
            }
        }
    }
    return true;
}

static bool buffers_are_long_enough(imusic_hub *hub)
{
    const imusic_hub_config *config = &hub->config;
    const size_t sample = IMUSIC_SAMPLE_BYTES(config->unit_count);
    return (config->frame != NULL) && (config->waiting != NULL) && (config->frame_capacity >= sample) &&
           (config->frame_capacity >= IMUSIC_ANSWER_BYTES) && (config->waiting_capacity >= (sample + LENGTH_BYTES)) &&
           (encode_hello(hub) > 0U);
    /* In an envelope where there is a key: its counter begins with the session. */
}

imusic_hub_problem imusic_hub_init(imusic_hub *hub, const imusic_hub_config *config, const imusic_platform *platform,
                                   uint64_t now_us)
{
    (void)memset(hub, 0, sizeof(*hub));
    hub->config = *config;
    hub->platform = *platform;
    imusic_parser_init(&hub->parser);
    if (config->key != NULL) {
        imusic_guard_init(&hub->guard, config->key);
    }
    if ((platform->send == NULL) || (platform->measure == NULL) || (platform->draw_boot_id == NULL) ||
        ((config->key != NULL) && (platform->draw_nonce == NULL))) {
        return IMUSIC_HUB_NO_CALLBACK;
    }
    if (!units_can_be_used(config)) {
        return IMUSIC_HUB_BAD_UNITS;
    }
    if ((config->rate_hz < 1U) || (config->rate_hz > config->max_rate_hz)) {
        return IMUSIC_HUB_BAD_RATE;
    }
    hub->rate_hz = config->rate_hz;
    hub->boot_id = platform->draw_boot_id(platform->context);
    hub->next_hello_us = now_us;
    hub->heard_us = now_us;
    return buffers_are_long_enough(hub) ? IMUSIC_HUB_READY : IMUSIC_HUB_BAD_BUFFER;
}

size_t imusic_hub_receive(imusic_hub *hub, const uint8_t *bytes, size_t length, uint64_t now_us)
{
    size_t packets = 0U;
    for (size_t i = 0U; i < length; i++) {
        imusic_host_packet packet;
        if (imusic_parser_push(&hub->parser, bytes[i], &packet) &&
            ((hub->config.key == NULL) || is_of_the_host(hub, &packet, now_us))) {
            packets++;
            hub->heard_us = now_us;
            answer_packet(hub, &packet, now_us);
        }
    }
    return packets;
}

static void take_sample(imusic_hub *hub, uint64_t due)
{
    uint64_t time_us = hub->platform.measure(hub->platform.context, due, hub->config.readings);
    if (time_us < hub->last_time_us) {
        time_us = hub->last_time_us;
    }
    hub->last_time_us = time_us;
    send_sample(hub, imusic_encode_sample(hub->config.frame, hub->config.frame_capacity, seal_of(hub), hub->sequence,
                                          time_us, hub->config.readings, hub->config.unit_count, NULL));
}

static void take_due_samples(imusic_hub *hub, uint64_t now_us)
{
    uint64_t due = due_us(hub);
    while (due <= now_us) {
        hub->paced++;
        /* Of several that are due, real units can only give the newest; the others were missed and count as lost. */
        if ((due_us(hub) <= now_us) && ((now_us - due) >= hub->config.catch_up_us)) {
            hub->missed++;
        } else {
            take_sample(hub, due);
        }
        hub->sequence++;
        due = due_us(hub);
    }
}

void imusic_hub_poll(imusic_hub *hub, uint64_t now_us)
{
    if (hub->lit && (now_us >= hub->lit_until_us)) {
        dim(hub);
    }
    if (hub->streaming && (hub->config.silence_us != 0U) && (now_us > hub->heard_us) &&
        ((now_us - hub->heard_us) > hub->config.silence_us)) {
        stop(hub, now_us);
    }
    if (!hub->streaming && (now_us >= hub->next_hello_us)) {
        hub->next_hello_us = now_us + IMUSIC_HELLO_PERIOD_US;
        queue_hello(hub);
    }
    if (send_answers(hub)) {
        send_waiting(hub);
    }
    if (hub->streaming) {
        take_due_samples(hub, now_us);
    }
}

uint64_t imusic_hub_next_us(const imusic_hub *hub, uint64_t now_us)
{
    uint64_t next_us = hub->streaming ? due_us(hub) : hub->next_hello_us;
    if (hub->lit && (hub->lit_until_us < next_us)) {
        next_us = hub->lit_until_us;
    }
    if (((hub->answer_count > 0U) || (hub->waiting_length > 0U)) && ((now_us + RETRY_US) < next_us)) {
        next_us = now_us + RETRY_US;
    }
    return next_us;
}
