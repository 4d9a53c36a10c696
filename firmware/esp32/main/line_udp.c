/* The host on the network: one frame in a datagram. */
#include "line.h"

#if HUB_LINE == HUB_LINE_UDP

#include <errno.h>
#include <string.h>

#include "esp_err.h"
#include "esp_event.h"
#include "esp_netif.h"
#include "esp_timer.h"
#include "esp_wifi.h"
#include "freertos/task.h"
#include "lwip/sockets.h"

#define LONGEST_DATAGRAM 1472U

static int socket_fd = -1;
static struct sockaddr_in host; /* port 0: nobody yet */
static bool host_is_configured;

static void on_event(void *argument, esp_event_base_t base, int32_t id, void *data)
{
    (void)argument;
    (void)data;
    /* Again and again: a face that walks out of reach comes back. */
    if ((base == WIFI_EVENT) && ((id == WIFI_EVENT_STA_START) || (id == WIFI_EVENT_STA_DISCONNECTED))) {
        (void)esp_wifi_connect();
    }
}

static void receive(void *argument)
{
    static uint8_t datagram[LONGEST_DATAGRAM];
    const QueueHandle_t inbox = argument;
    for (;;) {
        struct sockaddr_in sender = {0};
        socklen_t size = sizeof(sender);
        const int count = recvfrom(socket_fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&sender, &size);
        line_piece piece = {0};
        if (count <= 0) {
            vTaskDelay(1U); /* the network is down: do not spin */
            continue;
        }
        piece.time_us = esp_timer_get_time();
        piece.sender = sender.sin_addr.s_addr;
        piece.sender_port = sender.sin_port;
        for (size_t at = 0U; at < (size_t)count; at += piece.length) {
            const size_t left = (size_t)count - at;
            piece.length = (uint16_t)((left < LINE_PIECE) ? left : LINE_PIECE);
            (void)memcpy(piece.bytes, &datagram[at], piece.length);
            (void)xQueueSend(inbox, &piece, portMAX_DELAY);
        }
    }
}

static void begin_wifi(void)
{
    const wifi_init_config_t defaults = WIFI_INIT_CONFIG_DEFAULT();
    wifi_config_t station = {0};
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    (void)esp_netif_create_default_wifi_sta();
    ESP_ERROR_CHECK(esp_wifi_init(&defaults));
    ESP_ERROR_CHECK(esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, NULL));
    (void)strncpy((char *)station.sta.ssid, HUB_WIFI_SSID, sizeof(station.sta.ssid));
    (void)strncpy((char *)station.sta.password, HUB_WIFI_PASSWORD, sizeof(station.sta.password));
    ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_STA));
    ESP_ERROR_CHECK(esp_wifi_set_config(WIFI_IF_STA, &station));
    ESP_ERROR_CHECK(esp_wifi_start());
    /* Sleeping between beacons would hold packets for 100 ms. */
    ESP_ERROR_CHECK(esp_wifi_set_ps(WIFI_PS_NONE));
}

void line_begin(QueueHandle_t inbox)
{
    struct sockaddr_in own = {0};
    begin_wifi();
    own.sin_family = AF_INET;
    own.sin_port = htons(HUB_UDP_PORT);
    own.sin_addr.s_addr = htonl(INADDR_ANY);
    socket_fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_IP);
    ESP_ERROR_CHECK(((socket_fd >= 0) && (bind(socket_fd, (struct sockaddr *)&own, sizeof(own)) == 0)) ? ESP_OK
                                                                                                       : ESP_FAIL);
    host.sin_family = AF_INET;
    if (sizeof(HUB_UDP_HOST) > 1U) {
        host.sin_addr.s_addr = inet_addr(HUB_UDP_HOST);
        host.sin_port = htons(HUB_UDP_PORT);
        host_is_configured = true;
    }
    (void)xTaskCreate(receive, "line", 4096U, inbox, configMAX_PRIORITIES - 2, NULL);
}

bool line_send(void *context, const uint8_t *frame, size_t length, bool is_answer)
{
    (void)context;
    (void)is_answer;
    if (host.sin_port == 0U) {
        return true; /* before the first intact packet nothing is sent */
    }
    if (sendto(socket_fd, frame, length, MSG_DONTWAIT, (const struct sockaddr *)&host, sizeof(host)) >= 0) {
        return true;
    }
    /* No room just now: again. No network: a datagram more is lost. */
    return (errno != ENOMEM) && (errno != EAGAIN) && (errno != EWOULDBLOCK);
}

void line_reply(const line_piece *piece, const uint8_t *frame, size_t length)
{
    struct sockaddr_in sender = {0};
    sender.sin_family = AF_INET;
    sender.sin_addr.s_addr = piece->sender;
    sender.sin_port = piece->sender_port;
    if (!host_is_configured || (sender.sin_addr.s_addr == host.sin_addr.s_addr)) {
        (void)sendto(socket_fd, frame, length, MSG_DONTWAIT, (const struct sockaddr *)&sender, sizeof(sender));
    }
}

void line_heard(const line_piece *piece)
{
    if (!host_is_configured) {
        host.sin_addr.s_addr = piece->sender;
        host.sin_port = piece->sender_port;
    }
}

#endif
