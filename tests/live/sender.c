/* sender: frames into an interface as fast as one thread can, each of them counted.
 *
 *   cc -O2 -o sender sender.c && ./sender INTERFACE SECONDS WATCHED_PERCENT FLOWS RATE MALFORMED_EVERY
 *
 * 64-byte frames of IPv4 and UDP through a packet socket that bypasses the queueing discipline, a batch a call.
 * Of each hundred WATCHED_PERCENT have a source in 10.0.0.0/8, one of FLOWS in turn; the others have one in
 * 172.16.0.0/12. One in MALFORMED_EVERY (0: none) has an IP header that says it is shorter than can be. RATE is
 * packets a second, 0 for no limit. SIGTERM ends it early.
 *
 * Prints one JSON object. A frame is sent when the kernel took it; a call that stops in the middle of its batch
 * stopped at one frame, which is `refused` and not sent again. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, FRAME_BYTES = 64, IP = 14, UDP = IP + 20, KINDS = 3, SMALLEST_PAUSE_NS = 1000000 };
enum kind { MATCHED, UNMATCHED, MALFORMED };

static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static void put16(uint8_t *at, uint16_t value) {
    at[0] = value >> 8;
    at[1] = value & 0xff;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static void begin_frame(uint8_t *frame) {
    memset(frame, 0, FRAME_BYTES);
    memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00\x45", 15);
    put16(frame + IP + 2, FRAME_BYTES - IP);
    frame[IP + 8] = 64;
    frame[IP + 9] = 17;
    put32(frame + IP + 16, 0xc6336401); /* 198.51.100.1 */
    put16(frame + UDP + 2, 40000);
    put16(frame + UDP + 4, FRAME_BYTES - UDP);
}

/* The network stack behind the capture drops what has a wrong sum; so it is right. */
static void sum_header(uint8_t *ip) {
    uint32_t sum = 0;
    put16(ip + 10, 0);
    for (int at = 0; at < 20; at += 2)
        sum += (uint32_t)ip[at] << 8 | ip[at + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
}

struct plan {
    uint64_t flows, malformed_every, packets, watched;
    unsigned watched_percent;
};

static enum kind next_frame(struct plan *plan, uint8_t *frame) {
    uint64_t number = plan->packets++;
    int is_watched = number % 100 < plan->watched_percent;
    uint32_t flow = (is_watched ? plan->watched++ : number) % plan->flows;
    /* Flows differ in the address first, then in the port. */
    uint32_t host = is_watched ? 0x0a000000 | (flow & 0xffff) : 0xac100000 | (flow & 0xffff);
    put32(frame + IP + 12, host);
    put16(frame + UDP, 1024 + (flow >> 16));
    frame[IP] = 0x45;
    sum_header(frame + IP);
    if (plan->malformed_every && number % plan->malformed_every == plan->malformed_every - 1) {
        frame[IP] = 0x41;
        return MALFORMED;
    }
    return is_watched ? MATCHED : UNMATCHED;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void hold_back(double began, uint64_t sent, double rate) {
    double ahead = sent / rate - (now() - began);
    if (ahead * 1e9 > SMALLEST_PAUSE_NS)
        nanosleep(&(struct timespec){.tv_nsec = ahead < 0.5 ? ahead * 1e9 : 500000000}, NULL);
}

static int open_interface(const char *name) {
    int one = 1, room = 1 << 22, fd = socket(AF_PACKET, SOCK_RAW, 0);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(name)};
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) ||
        bind(fd, (struct sockaddr *)&to, sizeof to)) {
        perror(name);
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    static uint8_t frames[BATCH][FRAME_BYTES];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    enum kind kinds[BATCH];
    uint64_t sent[KINDS] = {0}, refused = 0;
    int last_error = 0;
    if (argc != 7) {
        fprintf(stderr, "usage: sender INTERFACE SECONDS WATCHED_PERCENT FLOWS RATE MALFORMED_EVERY\n");
        return 2;
    }
    double seconds = atof(argv[2]), rate = atof(argv[5]);
    struct plan plan = {.watched_percent = atoi(argv[3]),
                        .flows = strtoull(argv[4], NULL, 10),
                        .malformed_every = strtoull(argv[6], NULL, 10)};
    int fd = open_interface(argv[1]);
    signal(SIGTERM, stop);
    for (int at = 0; at < BATCH; at++) {
        begin_frame(frames[at]);
        parts[at] = (struct iovec){frames[at], FRAME_BYTES};
        messages[at].msg_hdr = (struct msghdr){.msg_iov = &parts[at], .msg_iovlen = 1};
    }
    double began = now();
    while (!stopped && now() - began < seconds) {
        for (int at = 0; at < BATCH; at++)
            kinds[at] = next_frame(&plan, frames[at]);
        for (int at = 0; at < BATCH;) {
            int taken = sendmmsg(fd, messages + at, BATCH - at, 0);
            for (int end = at + (taken > 0 ? taken : 0); at < end; at++)
                sent[kinds[at]]++;
            if (at == BATCH)
                break;
            if (taken < 0 && errno == EINTR)
                continue;
            last_error = taken < 0 ? errno : last_error;
            refused++;
            at++;
        }
        if (rate > 0)
            hold_back(began, plan.packets, rate);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"sent\": %lu, \"matched\": %lu, \"unmatched\": %lu, \"malformed\": %lu, \"refused\": %lu, "
           "\"error\": \"%s\", \"seconds\": %.3f, \"user_s\": %.3f, \"system_s\": %.3f}\n",
           sent[MATCHED] + sent[UNMATCHED] + sent[MALFORMED], sent[MATCHED], sent[UNMATCHED], sent[MALFORMED],
           refused, last_error ? strerror(last_error) : "", now() - began,
           used.ru_utime.tv_sec + used.ru_utime.tv_usec / 1e6, used.ru_stime.tv_sec + used.ru_stime.tv_usec / 1e6);
    return 0;
}
