/* A hub on an ESP32: units on SPI or I2C, a host on a serial line or Wi-Fi. What is particular to yours stands in
 * hub_config.h.
 *
 * One task is the hub: it waits for its inbox, which the line's task fills with bytes and a timer with the time of the
 * next sample.
 */
#include <string.h>

#include "bus.h"
#include "driver/gpio.h"
#include "esp_err.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "hub.h"
#include "line.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "offsets.h"
#if HUB_HAS_KEY != 0
#include "hub_key.h"
#endif

#define INBOX_PIECES 16U
#define START_MS     500U /* a unit that is not up by then comes later */
#define STEP_MS      10U
#define TABLE_TRIES  3000U /* samples, 30 s */
#define STORE        "imusic"
#define OFFSETS      "gyro_offsets"
#define BLINK_US     125000LL
#define IDLE_US      100000LL /* units that come late are looked for this often, and a light blinks */

#define COUNT_UNIT(id, place, part, where, light) +1U
enum {
    UNITS = 0U HUB_UNITS(COUNT_UNIT)
};

#define WHERE_OF(id, place, part, where, light) (where),
static const int places[UNITS] = {HUB_UNITS(WHERE_OF)};

#define LIGHT_OF(id, place, part, where, light) (light),
static const int lights[UNITS] = {HUB_UNITS(LIGHT_OF)};

#define PART_OF(id, place, part, where, light) &(part),
static const imusic_part *const parts[UNITS] = {HUB_UNITS(PART_OF)};

/* Ranges and the part's name are the part's own; they are filled in at boot. */
#define UNIT_OF(id, place, part, where, light) {(id), 0U, 0U, 0U, IMUSIC_TEXT(place), {NULL, 0U}},
static imusic_unit units[UNITS] = {HUB_UNITS(UNIT_OF)};

static imusic_sensor sensors[UNITS];
static int16_t gyro_offsets[UNITS][3];
static imusic_reading readings[UNITS];
static uint8_t frame[IMUSIC_MAX_FRAME + 1U];
static uint8_t waiting[8U * (IMUSIC_SAMPLE_BYTES((size_t)UNITS) + 2U)];
static imusic_hub hub;
static QueueHandle_t inbox;
static esp_timer_handle_t timer;

static const int8_t axes[3] = HUB_AXES;
static int lit_gpio = -1;

#if HUB_HAS_KEY != 0
static const uint8_t host_key[IMUSIC_KEY_BYTES] = HUB_KEY;
#define HOST_KEY host_key
#else
#define HOST_KEY NULL
#endif
/* Where the bytes came from that the hub is taking. */
static const line_piece *piece_taken;

static void begin_units(void)
{
    bus_begin(places, UNITS);
    for (size_t i = 0U; i < UNITS; i++) {
        const imusic_bus bus = bus_to(&places[i]);
        imusic_sensor_init(&sensors[i], parts[i], &bus);
        ESP_ERROR_CHECK(imusic_sensor_set_axes(&sensors[i], axes) ? ESP_OK : ESP_ERR_INVALID_ARG);
        units[i].gyro_range_dps = parts[i]->gyro_range_dps;
        units[i].accel_range_g = parts[i]->accel_range_g;
        units[i].part = parts[i]->name;
        if (lights[i] >= 0) {
            const gpio_config_t light = {.pin_bit_mask = 1ULL << (unsigned int)lights[i], .mode = GPIO_MODE_OUTPUT};
            ESP_ERROR_CHECK(gpio_config(&light));
        }
        if (HUB_SELF_TEST != 0) {
            (void)imusic_sensor_self_test(&sensors[i]);
        }
    }
}

/* Bring up what is not up, and say in HELLO who is there. */
static bool step_units(void)
{
    bool all = true;
    for (size_t i = 0U; i < UNITS; i++) {
        imusic_sensor_step(&sensors[i], (uint64_t)esp_timer_get_time());
        units[i].flags = (uint8_t)((sensors[i].state == IMUSIC_SENSOR_ABSENT) ? 0U : IMUSIC_PRESENT);
        all = all && (sensors[i].state == IMUSIC_SENSOR_RUNNING);
    }
    return all;
}

/* The unit that is read as the i-th: the skull, which all others are compared with, in the middle. */
static size_t unit_in_turn(size_t i)
{
    const size_t middle = (size_t)UNITS / 2U;
    return (i < middle) ? (i + 1U) : ((i == middle) ? 0U : i);
}

static uint64_t measure(void *context, uint64_t due_us, imusic_reading *into)
{
    const uint64_t begin_us = (uint64_t)esp_timer_get_time();
    (void)context;
    (void)due_us;
    for (size_t i = 0U; i < UNITS; i++) {
        const size_t unit = unit_in_turn(i);
        imusic_sensor_measure(&sensors[unit], begin_us, &into[unit]);
    }
    /* The middle: units are read one after the other, and the sample has one time. */
    return begin_us + (((uint64_t)esp_timer_get_time() - begin_us) / 2U);
}

static void begin_store(void)
{
    esp_err_t result = nvs_flash_init();
    if ((result == ESP_ERR_NVS_NO_FREE_PAGES) || (result == ESP_ERR_NVS_NEW_VERSION_FOUND)) {
        ESP_ERROR_CHECK(nvs_flash_erase());
        result = nvs_flash_init();
    }
    ESP_ERROR_CHECK(result);
}

/* As they were stored, where they are of as many units. */
static void load_offsets(void)
{
    size_t bytes = sizeof(gyro_offsets);
    nvs_handle_t store;
    if (nvs_open(STORE, NVS_READONLY, &store) == ESP_OK) {
        if ((nvs_get_blob(store, OFFSETS, gyro_offsets, &bytes) != ESP_OK) || (bytes != sizeof(gyro_offsets))) {
            (void)memset(gyro_offsets, 0, sizeof(gyro_offsets));
        }
        nvs_close(store);
    }
}

static void store_offsets(void)
{
    nvs_handle_t store;
    if (nvs_open(STORE, NVS_READWRITE, &store) == ESP_OK) {
        (void)nvs_set_blob(store, OFFSETS, gyro_offsets, sizeof(gyro_offsets));
        (void)nvs_commit(store);
        nvs_close(store);
    }
}

/* The hub lies on a table: find the offsets, or keep the old ones where it does not lie still. */
static void find_offsets(void)
{
    static imusic_offset found[UNITS];
    imusic_offsets offsets;
    imusic_offsets_state state = IMUSIC_OFFSETS_LOOKING;
    imusic_offsets_begin(&offsets, found, UNITS);
    for (uint32_t n = 0U; (state != IMUSIC_OFFSETS_FOUND) && (n < TABLE_TRIES); n++) {
        vTaskDelay(pdMS_TO_TICKS(STEP_MS));
        (void)measure(NULL, 0U, readings);
        state = imusic_offsets_add(&offsets, sensors, readings);
    }
    if (state == IMUSIC_OFFSETS_FOUND) {
        for (size_t i = 0U; i < UNITS; i++) {
            (void)imusic_offsets_of(&offsets, i, gyro_offsets[i]);
        }
        store_offsets();
    }
}

static void begin_offsets(void)
{
    const gpio_config_t button = {
        .pin_bit_mask = 1ULL << (unsigned int)HUB_TABLE_GPIO, .mode = GPIO_MODE_INPUT, .pull_up_en = 1};
    ESP_ERROR_CHECK(gpio_config(&button));
    load_offsets();
    if (gpio_get_level(HUB_TABLE_GPIO) == 0) {
        find_offsets(); /* the sensors subtract nothing yet */
    }
    for (size_t i = 0U; i < UNITS; i++) {
        imusic_sensor_set_gyro_offset(&sensors[i], gyro_offsets[i]);
    }
}

static void switch_light(void *context, size_t unit, bool on)
{
    (void)context;
    if (lit_gpio >= 0) {
        (void)gpio_set_level((gpio_num_t)lit_gpio, 0U);
    }
    lit_gpio = on ? lights[unit] : -1;
}

static bool has_lights(void)
{
    bool found = false;
    for (size_t i = 0U; i < UNITS; i++) {
        found = found || (lights[i] >= 0);
    }
    return found;
}

static void blink(int64_t now_us)
{
    if (lit_gpio >= 0) {
        (void)gpio_set_level((gpio_num_t)lit_gpio, ((now_us / BLINK_US) % 2) == 0 ? 1U : 0U);
    }
}

static uint32_t draw_boot_id(void *context)
{
    (void)context;
    return esp_random();
}

/* True randomness needs the radio or the ADC to be on, as with Wi-Fi, for which keys are made. */
static void draw_nonce(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    esp_fill_random(bytes, length);
}

static void reply(void *context, const uint8_t *frame_bytes, size_t length)
{
    (void)context;
    if (piece_taken != NULL) {
        line_reply(piece_taken, frame_bytes, length);
    }
}

static void on_timer(void *argument)
{
    static const line_piece nothing;
    (void)argument;
    (void)xQueueSend(inbox, &nothing, 0U); /* a full inbox wakes the hub anyway */
}

static void begin_hub(void)
{
    const imusic_platform platform = {
        .send = line_send,
        .measure = measure,
        .light = has_lights() ? switch_light : NULL,
        .draw_boot_id = draw_boot_id,
        .draw_nonce = draw_nonce,
        .reply = reply,
    };
    const imusic_hub_config config = {
        .name = IMUSIC_TEXT(HUB_NAME),
        .firmware = IMUSIC_TEXT(HUB_FIRMWARE),
        .rate_hz = HUB_RATE_HZ,
        .max_rate_hz = HUB_MAX_RATE_HZ,
        .silence_us = (HUB_LINE == HUB_LINE_UDP) ? IMUSIC_UDP_SILENCE_US : 0U,
        .catch_up_us = 0U,
        .units = units,
        .unit_count = UNITS,
        .readings = readings,
        .frame = frame,
        .frame_capacity = sizeof(frame),
        .waiting = waiting,
        .waiting_capacity = sizeof(waiting),
        .key = HOST_KEY,
    };
    const imusic_hub_problem problem = imusic_hub_init(&hub, &config, &platform, (uint64_t)esp_timer_get_time());
    ESP_ERROR_CHECK((problem == IMUSIC_HUB_READY) ? ESP_OK : ESP_ERR_INVALID_ARG);
}

static void arm_timer(void)
{
    const uint64_t now_us = (uint64_t)esp_timer_get_time();
    const uint64_t next_us = imusic_hub_next_us(&hub, now_us);
    const uint64_t wait_us = (next_us > now_us) ? (next_us - now_us) : 1U;
    (void)esp_timer_stop(timer); /* an error where it does not run, which is fine */
    (void)esp_timer_start_once(timer, (wait_us < (uint64_t)IDLE_US) ? wait_us : (uint64_t)IDLE_US);
}

static void run(void *argument)
{
    (void)argument;
    for (;;) {
        line_piece piece;
        arm_timer();
        if (xQueueReceive(inbox, &piece, portMAX_DELAY) == pdTRUE) {
            piece_taken = &piece;
            if ((piece.length > 0U) &&
                (imusic_hub_receive(&hub, piece.bytes, piece.length, (uint64_t)piece.time_us) > 0U)) {
                line_heard(&piece);
            }
            piece_taken = NULL;
            imusic_hub_poll(&hub, (uint64_t)esp_timer_get_time());
            (void)step_units();
            blink(esp_timer_get_time());
        }
    }
}

void app_main(void)
{
    const esp_timer_create_args_t wake = {.callback = on_timer, .name = "hub"};
    inbox = xQueueCreate(INBOX_PIECES, sizeof(line_piece));
    ESP_ERROR_CHECK((inbox != NULL) ? ESP_OK : ESP_ERR_NO_MEM);
    begin_store();
    begin_units();
    for (uint32_t waited = 0U; !step_units() && (waited < START_MS); waited += STEP_MS) {
        vTaskDelay(pdMS_TO_TICKS(STEP_MS));
    }
    begin_offsets();
    line_begin(inbox);
    begin_hub();
    ESP_ERROR_CHECK(esp_timer_create(&wake, &timer));
    (void)xTaskCreatePinnedToCore(run, "hub", 6144U, NULL, configMAX_PRIORITIES - 3, NULL, portNUM_PROCESSORS - 1);
}
