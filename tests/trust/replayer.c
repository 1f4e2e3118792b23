/* replayer: a capture into an interface, over and over, each frame counted.
 *
 *   cc -O2 -o replayer replayer.c && ./replayer INTERFACE CAPTURE SECONDS RATE LONGEST_FRAME
 *
 * Reads an Ethernet pcap of this machine's byte order into memory and sends its frames in order, a batch a call,
 * RATE packets a second (0: all that go). On each pass the second and third octet of IPv4 addresses are XORed with
 * the number of the pass, so that its flows are new ones. SIGTERM ends it early. Prints one JSON object; a call that
 * stops in the middle of its batch stopped at one frame, which is `refused` and not sent again. */
#define _GNU_SOURCE
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

enum { BATCH = 64, FRAMES_MOST = 1 << 22, FILE_HEADER = 24, RECORD_HEADER = 16, SMALLEST_PAUSE_NS = 1000000 };

static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static struct iovec *frames;
static size_t frame_count, longest;

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    uint32_t head[FILE_HEADER / 4], record[RECORD_HEADER / 4];
    frames = malloc(FRAMES_MOST * sizeof *frames);
    if (!file || !frames || fread(head, FILE_HEADER, 1, file) != 1 || head[0] != 0xa1b2c3d4 || head[5] != 1) {
        fprintf(stderr, "%s: no Ethernet pcap of this machine's byte order\n", path);
        exit(1);
    }
    while (frame_count < FRAMES_MOST && fread(record, RECORD_HEADER, 1, file) == 1 && record[2] <= 1 << 18) {
        uint8_t *frame = malloc(record[2] + 1);
        if (!frame || fread(frame, 1, record[2], file) != record[2])
            break;
        if (record[2] >= 14 && record[2] <= longest)
            frames[frame_count++] = (struct iovec){frame, record[2]};
    }
    fclose(file);
}

/* The header checksum is not mended: nobody behind the wire but the sensor looks at these packets. */
static void move(struct iovec *frame, uint16_t mask) {
    uint8_t *ip = (uint8_t *)frame->iov_base + 14;
    if (frame->iov_len < 34 || ip[-2] != 8 || ip[-1] != 0)
        return;
    for (int at = 12; at < 20; at += 4)
        if (ip[at] != 0 && ip[at] != 127 && ip[at] < 224) {
            ip[at + 1] ^= mask >> 8;
            ip[at + 2] ^= mask & 0xff;
        }
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

static void hold_back(double began, uint64_t sent, double rate) {
    double ahead = sent / rate - (now() - began);
    if (ahead * 1e9 > SMALLEST_PAUSE_NS)
        nanosleep(&(struct timespec){.tv_nsec = ahead < 0.5 ? ahead * 1e9 : 500000000}, NULL);
}

int main(int argc, char **argv) {
    static struct mmsghdr messages[BATCH];
    uint64_t sent = 0, refused = 0, passes = 0, bytes = 0;
    int last_error = 0;
    if (argc != 6) {
        fprintf(stderr, "usage: replayer INTERFACE CAPTURE SECONDS RATE LONGEST_FRAME\n");
        return 2;
    }
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    longest = strtoul(argv[5], NULL, 10);
    load(argv[2]);
    if (frame_count == 0) {
        fprintf(stderr, "%s: no frames\n", argv[2]);
        return 1;
    }
    int fd = open_interface(argv[1]);
    signal(SIGTERM, stop);
    double began = now();
    uint16_t mask = 0;
    while (!stopped && now() - began < seconds) {
        /* Back to what they were, and on to the addresses of this pass. */
        uint16_t next = ++passes;
        for (size_t at = 0; at < frame_count; at++)
            move(&frames[at], mask ^ next);
        mask = next;
        for (size_t first = 0; first < frame_count && !stopped && now() - began < seconds;) {
            int count = frame_count - first < BATCH ? frame_count - first : BATCH;
            for (int at = 0; at < count; at++)
                messages[at].msg_hdr = (struct msghdr){.msg_iov = &frames[first + at], .msg_iovlen = 1};
            int taken = sendmmsg(fd, messages, count, 0);
            if (taken < 0 && errno == EINTR)
                continue;
            for (int at = 0; at < taken; at++)
                bytes += frames[first + at].iov_len;
            if (taken < count) {
                last_error = taken < 0 ? errno : last_error;
                refused++;
            }
            sent += taken > 0 ? taken : 0;
            first += (taken > 0 ? taken : 0) + (taken < count);
            if (rate > 0)
                hold_back(began, sent, rate);
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"sent\": %lu, \"bytes\": %lu, \"passes\": %lu, \"refused\": %lu, \"error\": \"%s\", \"seconds\": %.3f}\n",
           sent, bytes, passes, refused, last_error ? strerror(last_error) : "", now() - began);
    return 0;
}
