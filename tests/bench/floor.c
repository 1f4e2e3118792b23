/* floor: how little CPU a sensor could need for a capture on this machine, one thread of plain C.
 *
 *   cc -O3 -march=native -o floor floor.c && ./floor walk|match|flow CAPTURE.pcap
 *
 * walk    read the capture in large pieces and touch the headers of each packet
 * match   also look up both IPv4 addresses in a table with one byte for each /24
 * flow    also count the packet in a table of flows, 64 bytes each
 *
 * That leaves out what every real sensor has to do besides (names, expiry, directions, IPv6, tunnels,
 * fragments, hostile input), which is why a sensor is measured as a multiple of it. Ethernet and IPv4 in a
 * little-endian pcap only. Prints one JSON object; cpu_s is this process's user and system time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    GROUP = 32,                   /* packets whose table lines are fetched ahead together */
    READ_BYTES = 1 << 20,
    RECORD_BYTES_MAX = 1 << 18,   /* a longer record ends the run */
    SLACK_BYTES = 64,             /* a short frame is read past its end, inside the buffer */
    NETWORKS = 1 << 24,
    SLOTS = 1 << 22,
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
};

struct packet {
    const uint8_t *frame;
    uint64_t time;
    uint32_t wire_bytes, source, destination;
};

struct flow {
    uint64_t addresses, ports_protocol, packets, bytes, first, last, unused[2];
};

struct run {
    uint8_t *networks;      /* NULL: walk only */
    struct flow *flows;     /* NULL: no counting */
    uint64_t packets, new_flows, sum;
};

static inline uint32_t load32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint16_t load16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void *zeroed_pages(size_t bytes) {
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        perror("floor: mmap");
        exit(1);
    }
    madvise(pages, bytes, MADV_HUGEPAGE);
    return pages;
}

/* Steps over up to GROUP whole records from *at; returns how many. */
static inline int next_group(const uint8_t **at, const uint8_t *end, struct packet *group) {
    int count = 0;
    while (count < GROUP && end - *at >= RECORD_HEADER) {
        const uint8_t *record = *at;
        uint32_t captured = load32(record + 8);
        if ((uint64_t)(end - record) < RECORD_HEADER + (uint64_t)captured)
            break;
        struct packet *packet = &group[count++];
        memcpy(&packet->time, record, sizeof packet->time);
        packet->wire_bytes = load32(record + 12);
        packet->frame = record + RECORD_HEADER;
        *at = record + RECORD_HEADER + captured;
    }
    return count;
}

static inline void read_addresses(struct run *run, struct packet *group, int count) {
    for (int i = 0; i < count; i++) {
        const uint8_t *frame = group[i].frame;
        bool ipv4 = load16(frame + 12) == 0x0008;
        group[i].source = ipv4 ? __builtin_bswap32(load32(frame + 26)) : 0;
        group[i].destination = ipv4 ? __builtin_bswap32(load32(frame + 30)) : 0;
        __builtin_prefetch(&run->networks[group[i].source >> 8]);
        __builtin_prefetch(&run->networks[group[i].destination >> 8]);
    }
}

static inline bool watched(const struct run *run, const struct packet *packet) {
    return run->networks[packet->source >> 8] | run->networks[packet->destination >> 8];
}

/* The key is the same for both directions: the lower end comes first. */
static inline void make_key(const struct packet *packet, uint64_t *addresses, uint64_t *ports_protocol) {
    uint64_t source = packet->source, destination = packet->destination;
    uint32_t ports = load32(packet->frame + 34);
    uint32_t source_port = ports & 0xFFFF, destination_port = ports >> 16;
    bool swap = source > destination || (source == destination && source_port > destination_port);
    *addresses = swap ? destination << 32 | source : source << 32 | destination;
    ports = swap ? destination_port | source_port << 16 : ports;
    *ports_protocol = (uint64_t)ports << 8 | packet->frame[23];
}

static inline uint64_t slot_of(uint64_t addresses, uint64_t ports_protocol) {
    unsigned __int128 product = (unsigned __int128)(addresses ^ 0xA24BAED4963EE407u) *
                                (ports_protocol ^ 0x9FB21C651E98DF25u);
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) & (SLOTS - 1);
}

static inline void count_flows(struct run *run, const struct packet *group, int count) {
    uint64_t addresses[GROUP], ports_protocol[GROUP], slot[GROUP];
    bool counted[GROUP];
    for (int i = 0; i < count; i++) {
        counted[i] = watched(run, &group[i]);
        make_key(&group[i], &addresses[i], &ports_protocol[i]);
        slot[i] = slot_of(addresses[i], ports_protocol[i]);
        if (counted[i])
            __builtin_prefetch(&run->flows[slot[i]], 1);
    }
    for (int i = 0; i < count; i++) {
        if (!counted[i])
            continue;
        struct flow *flow = &run->flows[slot[i]];
        while (flow->packets && (flow->addresses != addresses[i] || flow->ports_protocol != ports_protocol[i]))
            flow = &run->flows[(flow - run->flows + 1) & (SLOTS - 1)];
        if (!flow->packets) {
            if (++run->new_flows == SLOTS) {
                fprintf(stderr, "floor: more than %d flows\n", SLOTS);
                exit(1);
            }
            flow->addresses = addresses[i];
            flow->ports_protocol = ports_protocol[i];
            flow->first = group[i].time;
        }
        flow->packets++;
        flow->bytes += group[i].wire_bytes;
        flow->last = group[i].time;
    }
}

static inline void work(struct run *run, struct packet *group, int count) {
    run->packets += count;
    for (int i = 0; i < count; i++) {
        const uint8_t *frame = group[i].frame;
        run->sum += frame[12] + load32(frame + 26) + load32(frame + 30);
    }
    if (!run->networks)
        return;
    read_addresses(run, group, count);
    if (run->flows) {
        count_flows(run, group, count);
        return;
    }
    for (int i = 0; i < count; i++)
        run->sum += watched(run, &group[i]);
}

static void run_file(struct run *run, int file) {
    uint8_t *buffer = zeroed_pages(READ_BYTES + RECORD_BYTES_MAX + SLACK_BYTES);
    const uint8_t *at = buffer, *end = buffer;
    struct packet group[GROUP];
    uint64_t to_skip = FILE_HEADER;
    for (;;) {
        size_t left = end - at;
        if (left > RECORD_BYTES_MAX) {
            fprintf(stderr, "floor: a record of more than %d bytes\n", RECORD_BYTES_MAX);
            exit(1);
        }
        memmove(buffer, at, left);
        ssize_t got = read(file, buffer + left, READ_BYTES);
        if (got <= 0)
            break;
        at = buffer + to_skip;
        end = buffer + left + got;
        to_skip = 0;
        for (int count; (count = next_group(&at, end, group)) > 0;)
            work(run, group, count);
    }
    munmap(buffer, READ_BYTES + RECORD_BYTES_MAX + SLACK_BYTES);
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec * 1e-6; }

static double wall_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    bool known = argc == 3 && (!strcmp(argv[1], "walk") || !strcmp(argv[1], "match") || !strcmp(argv[1], "flow"));
    if (!known) {
        fprintf(stderr, "usage: floor walk|match|flow CAPTURE.pcap\n");
        return 2;
    }
    int file = open(argv[2], O_RDONLY);
    if (file < 0) {
        fprintf(stderr, "floor: %s: %s\n", argv[2], strerror(errno));
        return 1;
    }
    struct run run = {0};
    if (argv[1][0] != 'w') {
        run.networks = zeroed_pages(NETWORKS);
        memset(run.networks, 1, NETWORKS);
    }
    if (argv[1][0] == 'f')
        run.flows = zeroed_pages(sizeof(struct flow) * SLOTS);
    double start = wall_clock();
    run_file(&run, file);
    double wall = wall_clock() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    printf("{\"mode\": \"%s\", \"packets\": %lu, \"flows\": %lu, \"cpu_s\": %.3f, \"wall_s\": %.3f, "
           "\"mpps_cpu\": %.2f, \"sum\": %lu}\n",
           argv[1], run.packets, run.new_flows, cpu, wall, run.packets / (cpu > 0 ? cpu : 1e-9) / 1e6, run.sum);
    return 0;
}
