/* A hub on this computer: plays raw samples from a file through the library of ../imusic, over a pseudo-terminal or
 * UDP.
 *
 *     imusic_hub_host (--pty PATH | --udp HOST:PORT) --samples FILE [--rate HZ] [--loop] [--key FILE]
 *
 * To a driver it is a hub with units; only the samples come from a file, which `python -m imu_sim.hub.sample_file`
 * writes and
 * ../README.md describes. POSIX; one thread; ends with SIGINT, SIGTERM, or after the last sample unless --loop.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "hub.h"

#define MAX_RATE_HZ   400U
#define NUMBERS       7U /* of a unit in a sample: status, gyroscope, accelerometer */
#define WAITING_BYTES 65536U
#define LONGEST_WAIT_US \
    50000ULL                   /* a driver that opens the terminal is noticed within this, as nothing wakes us for it */
#define CATCH_UP_US 1000000ULL /* what this process was late for by less than this is still sent, at its time */

typedef struct {
    imusic_unit units[IMUSIC_MAX_UNITS];
    size_t unit_count;
    uint16_t rate_hz;
    imusic_reading *readings; /* sample_count times unit_count */
    size_t sample_count;
} recording;

typedef struct {
    int fd;
    bool is_pty;
    bool is_open;     /* of a pseudo-terminal: whether a driver has it open */
    const char *link; /* of the pseudo-terminal, NULL: none was made */
    char device[256];
    uint8_t rest[IMUSIC_MAX_FRAME + 1U]; /* of a frame that the line took in part */
    size_t rest_length;
} line;

typedef struct {
    recording samples;
    line out;
    imusic_hub hub;
    bool loop;
    bool is_over;            /* the last sample was given */
    uint64_t played_from_us; /* when the first was due */
} player;

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    asked_to_stop = 1;
}

/* Say what is wrong and end. */
static void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("imusic_hub_host: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputs("\n", stderr);
    va_end(arguments);
    exit(2);
}

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec * 1000000ULL) + ((uint64_t)now.tv_nsec / 1000ULL);
}

/* ---- The file. ---- */

static long number_within(const char *text, const char *what, long least, long greatest, size_t at)
{
    char *end = NULL;
    const long value = (text == NULL) ? 0 : strtol(text, &end, 10);
    if ((text == NULL) || (end == text) || (*end != '\0') || (value < least) || (value > greatest)) {
        const char *found = (text == NULL) ? "nothing" : text;
        if (at == 0U) { /* an option, no line of a file */
            refuse("expected %s of %ld to %ld, found %s", what, least, greatest, found);
        }
        refuse("line %zu: expected %s of %ld to %ld, found %s", at, what, least, greatest, found);
    }
    return value;
}

static imusic_text kept_text(const char *text, size_t at)
{
    char *copy;
    if ((text == NULL) || (strlen(text) > 255U)) {
        refuse("line %zu: expected a name of at most 255 bytes", at);
    }
    copy = malloc(strlen(text) + 1U);
    if (copy == NULL) {
        refuse("expected memory for the samples, found none");
    }
    (void)strcpy(copy, text);
    return imusic_text_of(copy);
}

/* unit ID PLACE PART GYRO_RANGE_DPS ACCEL_RANGE_G; a place of - is none. */
static void read_unit(recording *samples, char **rest, size_t at)
{
    imusic_unit *unit = &samples->units[samples->unit_count];
    const char *place;
    if (samples->unit_count == IMUSIC_MAX_UNITS) {
        refuse("line %zu: expected at most %u units", at, IMUSIC_MAX_UNITS);
    }
    unit->id = (uint8_t)number_within(strtok_r(NULL, " \t\r\n", rest), "an id", 0, 255, at);
    unit->flags = IMUSIC_PRESENT;
    place = strtok_r(NULL, " \t\r\n", rest);
    unit->place = kept_text(((place != NULL) && (strcmp(place, "-") == 0)) ? "" : place, at);
    unit->part = kept_text(strtok_r(NULL, " \t\r\n", rest), at);
    unit->gyro_range_dps =
        (uint16_t)number_within(strtok_r(NULL, " \t\r\n", rest), "a range in degrees per second", 1, 65535, at);
    unit->accel_range_g = (uint8_t)number_within(strtok_r(NULL, " \t\r\n", rest), "a range in g", 1, 255, at);
    samples->unit_count++;
}

static void read_sample(recording *samples, const char *first, char **rest, size_t *capacity, size_t at)
{
    const char *word = first;
    if (samples->sample_count == *capacity) {
        *capacity = (*capacity == 0U) ? 1024U : (2U * *capacity);
        samples->readings = realloc(samples->readings, *capacity * samples->unit_count * sizeof(imusic_reading));
        if (samples->readings == NULL) {
            refuse("expected memory for the samples, found none");
        }
    }
    for (size_t i = 0U; i < samples->unit_count; i++) {
        imusic_reading *reading = &samples->readings[(samples->sample_count * samples->unit_count) + i];
        reading->status = (uint8_t)number_within(word, "a status", 0, 255, at);
        for (size_t k = 1U; k < NUMBERS; k++) {
            const int16_t count =
                (int16_t)number_within(strtok_r(NULL, " \t\r\n", rest), "a count", INT16_MIN, INT16_MAX, at);
            if (k <= 3U) {
                reading->gyro[k - 1U] = count;
            } else {
                reading->accel[k - 4U] = count;
            }
        }
        word = strtok_r(NULL, " \t\r\n", rest);
    }
    if (word != NULL) {
        refuse("line %zu: expected %zu numbers for %zu units, found more", at, samples->unit_count * NUMBERS,
               samples->unit_count);
    }
    samples->sample_count++;
}

static void read_samples(recording *samples, const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0U;
    size_t capacity = 0U;
    size_t at = 0U;
    bool in_samples = false;
    if (file == NULL) {
        refuse("expected samples in %s, found: %s", path, strerror(errno));
    }
    while (getline(&text, &size, file) >= 0) {
        char *rest = NULL;
        const char *word = strtok_r(text, " \t\r\n", &rest);
        at++;
        if (at == 1U) {
            const char *version = strtok_r(NULL, " \t\r\n", &rest);
            if ((word == NULL) || (strcmp(word, "imusic-samples") != 0) || (version == NULL) ||
                (strcmp(version, "1") != 0)) {
                refuse("expected a file of samples that begins with `imusic-samples 1`, found another in %s", path);
            }
        } else if ((word == NULL) || (word[0] == '#')) {
            /* Empty, or a remark. */
        } else if (in_samples) {
            read_sample(samples, word, &rest, &capacity, at);
        } else if (strcmp(word, "rate") == 0) {
            samples->rate_hz =
                (uint16_t)number_within(strtok_r(NULL, " \t\r\n", &rest), "a rate in Hz", 1, MAX_RATE_HZ, at);
        } else if (strcmp(word, "unit") == 0) {
            read_unit(samples, &rest, at);
        } else if (strcmp(word, "samples") == 0) {
            in_samples = true;
            if ((samples->rate_hz == 0U) || (samples->unit_count == 0U)) {
                refuse("line %zu: expected `rate` and `unit` before `samples`", at);
            }
        } else {
            refuse("line %zu: expected rate, unit or samples, found %s", at, word);
        }
    }
    free(text);
    (void)fclose(file);
    if (samples->sample_count == 0U) {
        refuse("expected samples in %s, found none", path);
    }
}

/* ---- The line. ---- */

static void set_non_blocking(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    if ((flags < 0) || (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) {
        refuse("expected a line that need not be waited for, found: %s", strerror(errno));
    }
}

/* Raw from the start: no echo of our own bytes, no translation, before a driver sets its own mode. */
static void make_raw(const char *device)
{
    struct termios settings;
    const int fd = open(device, O_RDWR | O_NOCTTY);
    if ((fd < 0) || (tcgetattr(fd, &settings) < 0)) {
        refuse("expected a pseudo-terminal at %s, found: %s", device, strerror(errno));
    }
    settings.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    settings.c_oflag &= ~(tcflag_t)OPOST;
    settings.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings.c_cflag = (settings.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    (void)tcsetattr(fd, TCSANOW, &settings);
    /* Not kept open: as long as no driver has it open the system reports a hang-up, and nothing stale piles up. */
    (void)close(fd);
}

static void open_pty(line *out, const char *path)
{
    struct stat found;
    const char *device;
    out->is_pty = true;
    out->fd = posix_openpt(O_RDWR | O_NOCTTY);
    if ((out->fd < 0) || (grantpt(out->fd) < 0) || (unlockpt(out->fd) < 0) || ((device = ptsname(out->fd)) == NULL)) {
        refuse("expected a pseudo-terminal, found: %s", strerror(errno));
        return;
    }
    (void)snprintf(out->device, sizeof(out->device), "%s", device);
    make_raw(out->device);
    set_non_blocking(out->fd);
    if (lstat(path, &found) == 0) {
        if (!S_ISLNK(found.st_mode)) {
            refuse("expected to make a link at %s, found a file there; give another --pty", path);
        }
        (void)unlink(path);
    }
    if (symlink(out->device, path) < 0) {
        refuse("expected to make a link at %s, found: %s; give another --pty", path, strerror(errno));
    }
    out->link = path;
}

static void open_udp(line *out, char *address)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    char *colon = strrchr(address, ':');
    if ((colon == NULL) || (colon == address) || (colon[1] == '\0')) {
        refuse("expected --udp HOST:PORT, found %s", address);
        return;
    }
    (void)number_within(&colon[1], "a port in --udp", 1, 65535, 0U);
    *colon = '\0';
    (void)memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    if (getaddrinfo(address, &colon[1], &hints, &found) != 0) {
        refuse("expected a host and a port, found %s and %s", address, &colon[1]);
        return;
    }
    out->fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    /* Connected: the system keeps senders away that are not the driver. */
    if ((out->fd < 0) || (connect(out->fd, found->ai_addr, found->ai_addrlen) < 0)) {
        refuse("expected a way to %s, found: %s", address, strerror(errno));
    }
    freeaddrinfo(found);
    set_non_blocking(out->fd);
    *colon = ':';
    out->is_open = true;
}

static void close_line(const line *out)
{
    char target[256];
    ssize_t length;
    (void)close(out->fd);
    if (out->link == NULL) {
        return;
    }
    length = readlink(out->link, target, sizeof(target) - 1U);
    if (length > 0) {
        target[length] = '\0';
        if (strcmp(target, out->device) == 0) { /* still ours */
            (void)unlink(out->link);
        }
    }
}

/* Whether a driver has the line open. What was begun for one that left is not for the next. */
static bool look_who_listens(line *out)
{
    struct pollfd state = {0, POLLIN, 0};
    if (out->is_pty) {
        state.fd = out->fd;
        out->is_open = (poll(&state, 1U, 0) >= 0) && ((state.revents & POLLHUP) == 0);
        if (!out->is_open) {
            out->rest_length = 0U;
        }
    }
    return out->is_open;
}

/* Whether nothing of an earlier frame is left. */
static bool write_rest(line *out)
{
    while (out->rest_length > 0U) {
        const ssize_t written = write(out->fd, out->rest, out->rest_length);
        if (written <= 0) {
            return false;
        }
        out->rest_length -= (size_t)written;
        (void)memmove(out->rest, &out->rest[written], out->rest_length);
    }
    return true;
}

static bool send_frame(void *context, const uint8_t *frame, size_t length, bool is_answer)
{
    line *out = &((player *)context)->out;
    ssize_t written;
    (void)is_answer;
    if (!out->is_open) {
        return true; /* a serial line that nobody reads loses what is sent */
    }
    if (!write_rest(out)) {
        return false;
    }
    written = write(out->fd, frame, length);
    if (written < 0) {
        /* A full line is tried again; over UDP nobody may be there yet, which loses the datagram. */
        return (errno != EAGAIN) && (errno != EWOULDBLOCK);
    }
    if ((size_t)written < length) {
        out->rest_length = length - (size_t)written;
        (void)memcpy(out->rest, &frame[written], out->rest_length);
    }
    return true;
}

/* ---- The hub. ---- */

static uint64_t measure(void *context, uint64_t due_us, imusic_reading *readings)
{
    player *self = context;
    const recording *samples = &self->samples;
    size_t index;
    if (self->hub.sequence == 0U) {
        self->played_from_us = due_us;
    }
    /* By time, not one by one: the face moves as fast at any rate that the host asks for. */
    index = (size_t)((((due_us - self->played_from_us) * samples->rate_hz) + 500000ULL) / 1000000ULL);
    if (self->loop) {
        index %= samples->sample_count;
    } else if (index >= samples->sample_count) {
        index = samples->sample_count - 1U;
        self->is_over = true;
    } else {
        /* Between the first and the last. */
    }
    (void)memcpy(readings, &samples->readings[index * samples->unit_count], samples->unit_count * sizeof(*readings));
    return due_us;
}

static void light(void *context, size_t unit, bool on)
{
    const player *self = context;
    (void)printf("unit %u %s\n", self->samples.units[unit].id, on ? "blinks" : "is dark");
    (void)fflush(stdout);
}

static uint32_t draw_boot_id(void *context)
{
    uint32_t number = (uint32_t)(now_us() * 2654435761ULL) ^ (uint32_t)getpid();
    FILE *source = fopen("/dev/urandom", "rb");
    (void)context;
    if (source != NULL) {
        uint32_t drawn;
        if (fread(&drawn, sizeof(drawn), 1U, source) == 1U) {
            number = drawn;
        }
        (void)fclose(source);
    }
    return number;
}

static void draw_nonce(void *context, uint8_t *bytes, size_t length)
{
    FILE *source = fopen("/dev/urandom", "rb");
    (void)context;
    if ((source == NULL) || (fread(bytes, 1U, length, source) != length)) {
        refuse("expected random bytes from /dev/urandom, found: %s", strerror(errno));
    }
    if (source != NULL) {
        (void)fclose(source);
    }
}

/* A file of `imusic key`: 64 hexadecimal digits, and remarks. */
static void read_key(const char *path, uint8_t key[IMUSIC_KEY_BYTES])
{
    char text[256];
    bool found = false;
    struct stat state;
    FILE *file = fopen(path, "r");
    if ((file == NULL) || (fstat(fileno(file), &state) < 0)) {
        refuse("expected a key in %s, found: %s", path, strerror(errno));
        return;
    }
    if ((state.st_mode & 077U) != 0U) {
        refuse("expected a key that only its owner can read, found others can: chmod 600 %s", path);
    }
    while (fgets(text, (int)sizeof(text), file) != NULL) {
        if ((text[0] != '#') && (strspn(text, "0123456789abcdefABCDEF") == (2U * IMUSIC_KEY_BYTES))) {
            for (size_t i = 0U; i < IMUSIC_KEY_BYTES; i++) {
                const char digits[3] = {text[2U * i], text[(2U * i) + 1U], '\0'};
                key[i] = (uint8_t)strtoul(digits, NULL, 16);
            }
            found = true;
        }
    }
    (void)fclose(file);
    if (!found) {
        refuse("expected a key of %u hexadecimal digits in %s, found none", 2U * IMUSIC_KEY_BYTES, path);
    }
}

static void receive(player *self, uint64_t begin_us)
{
    uint8_t bytes[4096];
    ssize_t count;
    const bool was_open = self->out.is_open;
    if (!look_who_listens(&self->out)) {
        return;
    }
    if (!was_open) {
        imusic_parser_reset(&self->hub.parser); /* what a driver that left had begun */
    }
    while ((count = read(self->out.fd, bytes, sizeof(bytes))) > 0) {
        (void)imusic_hub_receive(&self->hub, bytes, (size_t)count, now_us() - begin_us);
    }
}

static void wait_for(const player *self, uint64_t wait_us, const sigset_t *signals)
{
    const uint64_t bounded_us = (wait_us < LONGEST_WAIT_US) ? wait_us : LONGEST_WAIT_US;
    const struct timespec timeout = {0, (long)(bounded_us * 1000ULL)};
    fd_set readable;
    FD_ZERO(&readable);
    if (self->out.is_open) { /* a pseudo-terminal that nobody has open is always readable */
        FD_SET(self->out.fd, &readable);
    }
    (void)pselect(self->out.fd + 1, &readable, NULL, NULL, &timeout, signals);
}

static void serve(player *self, const imusic_hub_config *config)
{
    const imusic_platform platform = {self, send_frame, measure, light, draw_boot_id, draw_nonce, NULL};
    const uint64_t begin_us = now_us();
    struct sigaction action;
    sigset_t blocked;
    sigset_t waiting;
    imusic_hub_problem problem;
    (void)memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    /* Signals arrive only while we wait. */
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, &waiting);
    (void)sigdelset(&waiting, SIGINT);
    (void)sigdelset(&waiting, SIGTERM);
    problem = imusic_hub_init(&self->hub, config, &platform, 0U);
    if (problem != IMUSIC_HUB_READY) {
        refuse("expected settings of a hub, found problem %d: each id once, --rate 1 to %u", (int)problem, MAX_RATE_HZ);
    }
    while ((asked_to_stop == 0) && !self->is_over) {
        uint64_t now;
        uint64_t next;
        receive(self, begin_us);
        now = now_us() - begin_us;
        imusic_hub_poll(&self->hub, now);
        next = imusic_hub_next_us(&self->hub, now);
        now = now_us() - begin_us;
        wait_for(self, (next > now) ? (next - now) : 0U, &waiting);
    }
    (void)printf("%lu samples sent, %lu dropped, %lu missed\n", (unsigned long)self->hub.sent,
                 (unsigned long)self->hub.dropped, (unsigned long)self->hub.missed);
}

int main(int argc, char **argv)
{
    static player self;
    static uint8_t frame[IMUSIC_MAX_FRAME + 1U];
    static uint8_t waiting[WAITING_BYTES];
    static imusic_reading readings[IMUSIC_MAX_UNITS];
    const char *usage = "usage: imusic_hub_host (--pty PATH | --udp HOST:PORT) --samples FILE [--rate HZ] [--loop] "
                        "[--key FILE]";
    static uint8_t key[IMUSIC_KEY_BYTES];
    const char *pty = NULL;
    const char *key_path = NULL;
    char *udp = NULL;
    const char *path = NULL;
    uint16_t rate_hz = 0U;
    imusic_hub_config config = {
        IMUSIC_TEXT("imusic-host-hub"), IMUSIC_TEXT("1.0.0"), 0U, 0U, 0U, 0U,   NULL, 0U,
                                NULL, NULL, 0U, NULL, 0U, NULL};
    for (int i = 1; i < argc; i++) {
        const bool has_value = (i + 1) < argc;
        if (strcmp(argv[i], "--loop") == 0) {
            self.loop = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            (void)puts(usage);
            return 0;
        } else if (has_value && (strcmp(argv[i], "--pty") == 0)) {
            pty = argv[++i];
        } else if (has_value && (strcmp(argv[i], "--udp") == 0)) {
            udp = argv[++i];
        } else if (has_value && (strcmp(argv[i], "--samples") == 0)) {
            path = argv[++i];
        } else if (has_value && (strcmp(argv[i], "--key") == 0)) {
            key_path = argv[++i];
        } else if (has_value && (strcmp(argv[i], "--rate") == 0)) {
            rate_hz = (uint16_t)number_within(argv[++i], "--rate", 1, (long)MAX_RATE_HZ, 0U);
        } else {
            refuse("unknown option, or no value after it: %s\n%s", argv[i], usage);
        }
    }
    if ((path == NULL) || ((pty == NULL) == (udp == NULL))) {
        refuse("expected --samples and one of --pty and --udp\n%s", usage);
    }
    read_samples(&self.samples, path);
    if (key_path != NULL) {
        read_key(key_path, key);
        config.key = key;
    }
    if (pty != NULL) {
        open_pty(&self.out, pty);
    } else {
        open_udp(&self.out, udp);
        config.silence_us = IMUSIC_UDP_SILENCE_US;
    }
    config.rate_hz = (rate_hz != 0U) ? rate_hz : self.samples.rate_hz;
    config.max_rate_hz = MAX_RATE_HZ;
    config.catch_up_us = CATCH_UP_US;
    config.units = self.samples.units;
    config.unit_count = self.samples.unit_count;
    config.readings = readings;
    config.frame = frame;
    config.frame_capacity = sizeof(frame);
    config.waiting = waiting;
    config.waiting_capacity = sizeof(waiting);
    (void)printf("hub at %s: %zu units, %zu samples at %u Hz\n", (pty != NULL) ? pty : udp, self.samples.unit_count,
                 self.samples.sample_count, self.samples.rate_hz);
    (void)fflush(stdout);
    serve(&self, &config);
    close_line(&self.out);
    return 0;
}
