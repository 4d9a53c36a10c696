#include <stddef.h>
#include <stdint.h>
typedef uint32_t socklen_t;
typedef int ssize_t;
struct in_addr {
    uint32_t s_addr;
};
struct sockaddr {
    uint8_t sa_len, sa_family;
    char sa_data[14];
};
struct sockaddr_in {
    uint8_t sin_len, sin_family;
    uint16_t sin_port;
    struct in_addr sin_addr;
    char sin_zero[8];
};
#define AF_INET      2
#define SOCK_DGRAM   2
#define IPPROTO_IP   0
#define INADDR_ANY   ((uint32_t)0)
#define MSG_DONTWAIT 8
int socket(int domain, int type, int protocol);
int bind(int fd, const struct sockaddr *address, socklen_t size);
ssize_t recvfrom(int fd, void *bytes, size_t count, int flags, struct sockaddr *from, socklen_t *size);
ssize_t sendto(int fd, const void *bytes, size_t count, int flags, const struct sockaddr *to, socklen_t size);
uint16_t htons(uint16_t value);
uint32_t htonl(uint32_t value);
uint32_t inet_addr(const char *text);
