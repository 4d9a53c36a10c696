/* QST Corporation QMI8658A and QMI8658C. Registers and values are those of
 *   [A] QMI8658A datasheet, document 13-52-25, rev. A (2022), tables of registers and chapter on self-test;
 *   [C] QMI8658C datasheet, rev. 0.6 to 0.9 (2021), the same.
 * They were taken from the register tables as other public drivers quote them, not from the PDF itself; compare before
 * a production run.
 *
 * Ranges and filter are those of config/parts/QMI8658.yaml, which the shipped model was trained with: 1024 degrees per
 * second, 8 g, low-pass mode 2 (5.39 % of 896.8 Hz: 48.3 Hz).
 */
#include "sensor.h"

#define WHO_AM_I  0x00U /* reads 0x05 */
#define CTRL1     0x02U /* bit 6 ADDR_AI: bursts go on to the next register; bit 5 BE: big endian; bit 0: off */
#define CTRL2     0x03U /* bit 7 aST; bits 6:4 aFS; bits 3:0 aODR */
#define CTRL3     0x04U /* bit 7 gST; bits 6:4 gFS; bits 3:0 gODR */
#define CTRL5     0x06U /* bits 6:5 gLPF_MODE; bit 4 gLPF_EN; bits 2:1 aLPF_MODE; bit 0 aLPF_EN */
#define CTRL7     0x08U /* bit 7 syncSmpl; bit 1 gEN; bit 0 aEN */
#define STATUSINT 0x2DU /* bit 0: while syncSmpl is 0, the level of INT2 */
/* Bit 1 gDA, bit 0 aDA: new values; then STATUS1, TIMESTAMP (3), TEMP (2), AX to GZ from 0x35 to 0x40. */
#define STATUS0   0x2EU
#define TIMESTAMP 0x30U /* 24 bits, one more with each measurement */
#define DVX_L     0x51U /* results of the self-test, three words */
#define RESET     0x60U /* 0xB0 resets */

#define ADDR_AI       0x40U
#define SELF_TEST     0x80U
#define ACCEL_8G      (2U << 4) /* aFS 010 */
#define GYRO_1024_DPS (6U << 4) /* gFS 110 */
#define ODR_896_8_HZ  3U        /* xODR 0011, both sensors on: the gyroscope's clock leads */
#define LOW_PASS_5_39 0x55U     /* mode 10 and enabled, both */
#define BOTH_ON       0x03U

/* After a reset the part needs 15 ms; the gyroscope needs 150 ms and three periods to start ([C], table of timings). */
static const imusic_step steps[] = {
    {RESET, 0xB0U, false, 20000U},
    {CTRL1, ADDR_AI, true, 0U},
    {CTRL2, ACCEL_8G | ODR_896_8_HZ, true, 0U},
    {CTRL3, GYRO_1024_DPS | ODR_896_8_HZ, true, 0U},
    {CTRL5, LOW_PASS_5_39, true, 0U},
    {CTRL7, BOTH_ON, true, 160000U},
};

/* The self-test moves the sensing elements by itself; each axis must answer with more than this. */
#define LEAST_ACCEL_COUNTS 409  /* 200 mg in units of 1/2048 g */
#define LEAST_GYRO_COUNTS  4800 /* 300 degrees per second in units of 1/16 */
#define LOOKS              500U
#define LOOK_US            1000U

static bool wait_for_int2(const imusic_bus *bus, bool level)
{
    bool reached = false;
    bool answered = true;
    for (size_t i = 0U; answered && !reached && (i < LOOKS); i++) {
        uint8_t status = 0U;
        answered = bus->read(bus->context, STATUSINT, &status, 1U);
        reached = answered && (((status & 0x01U) != 0U) == level);
        if (!reached) {
            bus->wait_us(bus->context, LOOK_US);
        }
    }
    return reached;
}

/* One of the two tests: its bit in `reg` starts it, clearing the bit acknowledges it. */
static imusic_test_result test(const imusic_bus *bus, uint8_t reg, uint8_t setting, int32_t least)
{
    uint8_t words[6] = {0U};
    imusic_test_result result = IMUSIC_TEST_PASSED;
    if (!bus->write(bus->context, CTRL7, 0x00U) || !bus->write(bus->context, reg, (uint8_t)(setting | SELF_TEST)) ||
        !wait_for_int2(bus, true) || !bus->write(bus->context, reg, setting) || !wait_for_int2(bus, false) ||
        !bus->read(bus->context, DVX_L, words, sizeof(words))) {
        return IMUSIC_TEST_NO_ANSWER;
    }
    for (size_t i = 0U; i < 3U; i++) {
        const int32_t value = imusic_i16(words[2U * i], words[(2U * i) + 1U]);
        if (((value < 0) ? -value : value) <= least) {
            result = IMUSIC_TEST_FAILED;
        }
    }
    return result;
}

static imusic_test_result self_test(const imusic_bus *bus)
{
    imusic_test_result result;
    if (!bus->write(bus->context, RESET, 0xB0U)) {
        return IMUSIC_TEST_NO_ANSWER;
    }
    bus->wait_us(bus->context, 20000U);
    if (!bus->write(bus->context, CTRL1, ADDR_AI)) {
        return IMUSIC_TEST_NO_ANSWER;
    }
    result = test(bus, CTRL2, ACCEL_8G | ODR_896_8_HZ, LEAST_ACCEL_COUNTS);
    if (result == IMUSIC_TEST_PASSED) {
        result = test(bus, CTRL3, GYRO_1024_DPS | ODR_896_8_HZ, LEAST_GYRO_COUNTS);
    }
    return result;
}

const imusic_part imusic_qmi8658 = {
    IMUSIC_TEXT("QMI8658"),
    1024U,
    8U,
    WHO_AM_I,
    0x05U,
    false, /* no banks */
    0U,
    steps,
    sizeof(steps) / sizeof(steps[0]),
    STATUS0, /* one burst from STATUS0 to GZ_H */
    19U,
    0U,    /* STATUS0 */
    0x03U, /* gDA and aDA */
    0x07U, /* AX_L */
    0x0DU, /* GX_L */
    false,
    true,
    TIMESTAMP,
    2U,
    self_test,
};
