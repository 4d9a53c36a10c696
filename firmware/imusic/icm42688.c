/* TDK InvenSense ICM-42688-P. Registers and values are those of
 *   [1] ICM-42688-P datasheet, document DS-000347, rev. 1.6 and 1.7, chapters 14 and 15 (user bank 0), 16 (bank 1), 17
 * (bank 2). They were taken from the register tables as other public drivers quote them, not from the PDF itself;
 * compare before a production run.
 *
 * Ranges and filter are those of config/parts/ICM-42688-P.yaml: 500 degrees per second, 8 g, 50 Hz.
 */
#include "sensor.h"

#define DEVICE_CONFIG      0x11U /* bit 0 SOFT_RESET_CONFIG */
#define ACCEL_DATA_X1      0x1FU /* AX to AZ, GX to GZ (0x25), big endian, then TMST_FSYNC (2), INT_STATUS (0x2D) */
#define PWR_MGMT0          0x4EU /* bits 3:2 GYRO_MODE, bits 1:0 ACCEL_MODE; 11: low noise */
#define GYRO_CONFIG0       0x4FU /* bits 7:5 GYRO_FS_SEL, bits 3:0 GYRO_ODR */
#define ACCEL_CONFIG0      0x50U /* bits 7:5 ACCEL_FS_SEL, bits 3:0 ACCEL_ODR */
#define GYRO_ACCEL_CONFIG0 0x52U /* bits 7:4 ACCEL_UI_FILT_BW, bits 3:0 GYRO_UI_FILT_BW */
#define SELF_TEST_CONFIG   0x70U /* bit 6 ACCEL_ST_POWER, bits 5:3 accelerometer, bits 2:0 gyroscope */
#define WHO_AM_I           0x75U /* reads 0x47 */
#define REG_BANK_SEL       0x76U
#define XG_ST_DATA         0x5FU /* bank 1: the gyroscope's answer at the factory, three codes */
#define XA_ST_DATA         0x3BU /* bank 2: the accelerometer's */

#define GYRO_500_DPS     (2U << 5)
#define GYRO_250_DPS     (3U << 5)
#define ACCEL_8G         (1U << 5)
#define ACCEL_4G         (2U << 5)
#define ODR_1_KHZ        6U
#define FILTER_TWENTIETH 0x66U /* both: the greater of 400 Hz and the output rate, divided by 20: 50 Hz */
#define FILTER_TENTH     0x44U /* both: 100 Hz */
#define LOW_NOISE_BOTH   0x0FU
#define DATA_RDY_INT     0x08U

/* After a reset the part needs 1 ms; after switching on, 0.2 ms without a write, and the gyroscope 45 ms ([1],
 * PWR_MGMT0). */
static const imusic_step steps[] = {
    {REG_BANK_SEL, 0x00U, false, 0U},
    {DEVICE_CONFIG, 0x01U, false, 2000U},
    {GYRO_CONFIG0, GYRO_500_DPS | ODR_1_KHZ, true, 0U},
    {ACCEL_CONFIG0, ACCEL_8G | ODR_1_KHZ, true, 0U},
    {GYRO_ACCEL_CONFIG0, FILTER_TWENTIETH, true, 0U},
    {PWR_MGMT0, LOW_NOISE_BOTH, true, 50000U},
};

/* For the self-test, as TDK's own drivers of this family do it: at 250 degrees per second and 4 g, first without, then
 * with the actuation, the mean of each; the difference is compared with what the part answered at the factory. */
#define TESTED_SAMPLES 64
#define SETTLE_US      200000U
#define PERIOD_US      1000U
#define GYRO_ON        0x07U
#define ACCEL_ON       0x78U
/* Where a part has no code of the factory: the least answer, counts. */
#define LEAST_GYRO_COUNTS  7864 /* 60 degrees per second */
#define LEAST_ACCEL_COUNTS 1843 /* 225 mg */
#define MOST_ACCEL_COUNTS  5530 /* 675 mg */
/* Counts of code 1 at 250 degrees per second, and at 4 g: 2620 / 2^(3 - FS_SEL), and 1 % more with each code. */
#define GYRO_CODE_1  2620
#define ACCEL_CODE_1 1310

static bool write_all(const imusic_bus *bus, const imusic_step *list, size_t count)
{
    bool written = true;
    for (size_t i = 0U; written && (i < count); i++) {
        written = bus->write(bus->context, list[i].reg, list[i].value);
        if (list[i].wait_us > 0U) {
            bus->wait_us(bus->context, list[i].wait_us);
        }
    }
    return written;
}

/* Means of accelerometer (0 to 2) and gyroscope (3 to 5). */
static bool mean_with(const imusic_bus *bus, uint8_t actuated, int32_t *mean)
{
    int32_t sum[6] = {0, 0, 0, 0, 0, 0};
    bool answered = bus->write(bus->context, SELF_TEST_CONFIG, actuated);
    bus->wait_us(bus->context, SETTLE_US);
    for (size_t n = 0U; answered && (n < (size_t)TESTED_SAMPLES); n++) {
        uint8_t bytes[12] = {0U};
        answered = bus->read(bus->context, ACCEL_DATA_X1, bytes, sizeof(bytes));
        for (size_t i = 0U; i < 6U; i++) {
            sum[i] += imusic_i16(bytes[(2U * i) + 1U], bytes[2U * i]);
        }
        bus->wait_us(bus->context, PERIOD_US);
    }
    for (size_t i = 0U; i < 6U; i++) {
        mean[i] = sum[i] / TESTED_SAMPLES;
    }
    return answered;
}

static bool read_codes(const imusic_bus *bus, uint8_t bank, uint8_t reg, uint8_t *codes)
{
    const bool selected = bus->write(bus->context, REG_BANK_SEL, bank);
    const bool answered = selected && bus->read(bus->context, reg, codes, 3U);
    return bus->write(bus->context, REG_BANK_SEL, 0x00U) && answered;
}

/* Counts that a code stands for. */
static int32_t factory_counts(int32_t of_code_1, uint8_t code)
{
    int64_t counts = (int64_t)of_code_1 * 65536;
    for (uint8_t i = 1U; i < code; i++) {
        counts += counts / 100;
    }
    return (int32_t)(counts / 65536);
}

static int32_t size_of_difference(int32_t a, int32_t b)
{
    return (a > b) ? (a - b) : (b - a);
}

static bool gyro_passes(int32_t answer, uint8_t code)
{
    return (code != 0U) ? ((2 * answer) > factory_counts(GYRO_CODE_1, code)) : (answer >= LEAST_GYRO_COUNTS);
}

static bool accel_passes(int32_t answer, uint8_t code)
{
    const int32_t factory = factory_counts(ACCEL_CODE_1, code);
    return (code != 0U) ? (((2 * answer) > factory) && ((2 * answer) < (3 * factory)))
                        : ((answer >= LEAST_ACCEL_COUNTS) && (answer <= MOST_ACCEL_COUNTS));
}

static imusic_test_result self_test(const imusic_bus *bus)
{
    static const imusic_step set_up[] = {
        {REG_BANK_SEL, 0x00U, false, 0U},
        {DEVICE_CONFIG, 0x01U, false, 2000U},
        {GYRO_CONFIG0, GYRO_250_DPS | ODR_1_KHZ, true, 0U},
        {ACCEL_CONFIG0, ACCEL_4G | ODR_1_KHZ, true, 0U},
        {GYRO_ACCEL_CONFIG0, FILTER_TENTH, true, 0U},
        {PWR_MGMT0, LOW_NOISE_BOTH, true, 50000U},
    };
    int32_t still[6] = {0};
    int32_t moved[6] = {0};
    uint8_t gyro_codes[3] = {0U};
    uint8_t accel_codes[3] = {0U};
    imusic_test_result result = IMUSIC_TEST_PASSED;
    if (!write_all(bus, set_up, sizeof(set_up) / sizeof(set_up[0])) || !mean_with(bus, 0x00U, still) ||
        !mean_with(bus, GYRO_ON | ACCEL_ON, moved) || !bus->write(bus->context, SELF_TEST_CONFIG, 0x00U) ||
        !read_codes(bus, 1U, XG_ST_DATA, gyro_codes) || !read_codes(bus, 2U, XA_ST_DATA, accel_codes)) {
        return IMUSIC_TEST_NO_ANSWER;
    }
    for (size_t i = 0U; i < 3U; i++) {
        if (!accel_passes(size_of_difference(moved[i], still[i]), accel_codes[i]) ||
            !gyro_passes(size_of_difference(moved[i + 3U], still[i + 3U]), gyro_codes[i])) {
            result = IMUSIC_TEST_FAILED;
        }
    }
    return result;
}

const imusic_part imusic_icm42688 = {
    IMUSIC_TEXT("ICM-42688-P"),
    500U,
    8U,
    WHO_AM_I,
    0x47U,
    true,
    REG_BANK_SEL,
    steps,
    sizeof(steps) / sizeof(steps[0]),
    ACCEL_DATA_X1, /* one burst from ACCEL_DATA_X1 to INT_STATUS */
    15U,
    14U, /* INT_STATUS */
    DATA_RDY_INT,
    0U, /* ACCEL_DATA_X1 */
    6U, /* GYRO_DATA_X1 */
    true,
    false, /* a burst of data registers is of one measurement */
    0U,
    0U,
    self_test,
};
