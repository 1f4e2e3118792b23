/* mix: one long capture out of many short ones.
 *
 *   cc -O2 -o mix mix.c && ./mix OUT.pcap COPIES WINDOW_S CAPTURE.pcap...
 *
 * Every Ethernet capture is laid into the output COPIES times, each copy at a random moment of the window,
 * its duration squeezed to a minute at most, and every frame with the addresses of its copy: the second and
 * third octet of IPv4 addresses (octets five and six of IPv6 addresses) are XORed with the number of the
 * copy, and the checksums are mended: the copies have flows of their own, and well formed ones. Frames
 * are sorted by time. Little-endian captures, of micro- or nanoseconds; others are passed over and named.
 * The same arguments give the same bytes. Prints one JSON object. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    FRAME_BYTES_MAX = 1 << 18,
    LONGEST_COPY_US = 60 * 1000 * 1000,
    COPIES_MAX = 0xFFFF, /* numbers of copies that differ in two octets; zero leaves a frame as it is */
    MAGIC_MICROSECONDS = 0xA1B2C3D4,
    MAGIC_NANOSECONDS = 0xA1B23C4D,
};
static const uint64_t FIRST_US = 1700000000ull * 1000 * 1000;

struct capture {
    uint8_t *bytes;
    size_t size;
    uint64_t first_us, last_us;
    bool nanoseconds;
};

struct entry {
    uint64_t time_us, order;
    const uint8_t *frame;
    uint32_t captured, wire;
    uint16_t copy;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "mix: %s: %s\n", what, why);
    exit(1);
}

static void *checked(void *memory) {
    if (!memory)
        fail("memory", strerror(ENOMEM));
    return memory;
}

static uint32_t little32(const uint8_t *at) {
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint16_t big16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void put_big16(uint8_t *at, uint16_t value) {
    at[0] = value >> 8;
    at[1] = value & 0xFF;
}

/* Splitmix64: a whole period, and any seed will do. */
static uint64_t random_state = 42;
static double random_fraction(void) {
    uint64_t z = random_state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

/* ---- Checksums: the change of a sum from the words that changed (RFC 1624). ---- */

struct change { uint32_t sum; };

static void replace_word(struct change *change, uint8_t *at, uint16_t with) {
    change->sum += (uint16_t)~big16(at);
    change->sum += with;
    put_big16(at, with);
}

static void mend(uint8_t *checksum, struct change change, bool zero_means_none) {
    if (zero_means_none && big16(checksum) == 0)
        return;
    uint32_t sum = (uint16_t)~big16(checksum) + change.sum;
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    uint16_t mended = (uint16_t)~sum;
    put_big16(checksum, zero_means_none && mended == 0 ? 0xFFFF : mended);
}

static void mend_transport(uint8_t *segment, uint32_t left, uint8_t protocol, struct change change, bool six) {
    uint32_t at = protocol == 6 ? 16 : protocol == 17 ? 6 : protocol == 58 && six ? 2 : UINT32_MAX - 2;
    if (at + 2 <= left)
        mend(segment + at, change, protocol == 17);
}

/* ---- Addresses ---- */

static void move_ipv4(uint8_t *packet, uint32_t left, uint16_t copy) {
    if (left < 20 || packet[0] >> 4 != 4)
        return;
    struct change change = {0};
    for (uint8_t *address = packet + 12; address < packet + 20; address += 4) {
        if (address[0] == 0 || address[0] == 127 || address[0] >= 224)
            continue; /* a group, the host itself, nobody: the same in every copy */
        replace_word(&change, address, big16(address) ^ (copy >> 8));
        replace_word(&change, address + 2, big16(address + 2) ^ (uint16_t)(copy << 8));
    }
    mend(packet + 10, change, false);
    uint32_t header = (packet[0] & 15) * 4u;
    bool later_fragment = big16(packet + 6) & 0x1FFF;
    if (!later_fragment && header >= 20 && header <= left)
        mend_transport(packet + header, left - header, packet[9], change, false);
}

static void move_ipv6(uint8_t *packet, uint32_t left, uint16_t copy) {
    if (left < 40 || packet[0] >> 4 != 6)
        return;
    struct change change = {0};
    for (uint8_t *address = packet + 8; address < packet + 40; address += 16)
        if (address[0] != 0xFF && big16(address) != 0)
            replace_word(&change, address + 4, big16(address + 4) ^ copy);
    mend_transport(packet + 40, left - 40, packet[6], change, true);
}

static void move_arp(uint8_t *packet, uint32_t left, uint16_t copy) {
    for (uint32_t at = 14; at <= 24 && left >= 28; at += 10) {
        packet[at + 1] ^= copy >> 8;
        packet[at + 2] ^= copy & 0xFF;
    }
}

/* Steps over VLAN tags, PPPoE and MPLS to the packet; the kind of it as an Ethernet type, or 0. */
static uint16_t find_packet(const uint8_t *frame, uint32_t captured, uint32_t *at) {
    uint16_t kind = big16(frame + 12);
    *at = 14;
    while ((kind == 0x8100 || kind == 0x88A8 || kind == 0x9100) && *at + 4 <= captured) {
        kind = big16(frame + *at + 2);
        *at += 4;
    }
    if (kind == 0x8864 && *at + 8 <= captured) {
        uint16_t inner = big16(frame + *at + 6);
        *at += 8;
        return inner == 0x0021 ? 0x0800 : inner == 0x0057 ? 0x86DD : 0;
    }
    if (kind != 0x8847)
        return kind;
    for (bool bottom = false; !bottom; *at += 4) {
        if (*at + 5 > captured)
            return 0;
        bottom = frame[*at + 2] & 1;
    }
    return frame[*at] >> 4 == 4 ? 0x0800 : frame[*at] >> 4 == 6 ? 0x86DD : 0;
}

static void move_frame(uint8_t *frame, uint32_t captured, uint16_t copy) {
    if (captured < 14 || copy == 0)
        return;
    uint32_t at;
    uint16_t kind = find_packet(frame, captured, &at);
    if (kind == 0x0800)
        move_ipv4(frame + at, captured - at, copy);
    else if (kind == 0x86DD)
        move_ipv6(frame + at, captured - at, copy);
    else if (kind == 0x0806)
        move_arp(frame + at, captured - at, copy);
}

/* ---- Captures ---- */

/* The next whole record from *at on; *at moves behind it. */
static bool next_record(const struct capture *capture, size_t *at, struct entry *entry) {
    const uint8_t *record = capture->bytes + *at;
    if (capture->size - *at < RECORD_HEADER)
        return false;
    entry->captured = little32(record + 8);
    entry->wire = little32(record + 12);
    if (entry->captured > FRAME_BYTES_MAX || entry->captured > capture->size - *at - RECORD_HEADER)
        return false;
    uint32_t fraction = little32(record + 4);
    entry->time_us = little32(record) * 1000000ull + (capture->nanoseconds ? fraction / 1000 : fraction);
    entry->frame = record + RECORD_HEADER;
    if (entry->wire < entry->captured || entry->wire > FRAME_BYTES_MAX)
        entry->wire = entry->captured;
    *at += RECORD_HEADER + entry->captured;
    return true;
}

/* Reads a capture whole; false where it is of another kind. */
static bool load(struct capture *capture, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path, strerror(errno));
    fseek(file, 0, SEEK_END);
    capture->size = ftell(file);
    rewind(file);
    capture->bytes = checked(malloc(capture->size + 1));
    if (fread(capture->bytes, 1, capture->size, file) != capture->size)
        fail(path, "cannot be read whole");
    fclose(file);
    if (capture->size < FILE_HEADER || (little32(capture->bytes + 20) & 0xFFFF) != 1)
        return false;
    uint32_t magic = little32(capture->bytes);
    capture->nanoseconds = magic == MAGIC_NANOSECONDS;
    if (magic != MAGIC_MICROSECONDS && magic != MAGIC_NANOSECONDS)
        return false;
    struct entry entry;
    size_t at = FILE_HEADER;
    for (bool first = true; next_record(capture, &at, &entry); first = false) {
        if (first)
            capture->first_us = entry.time_us;
        if (first || entry.time_us > capture->last_us)
            capture->last_us = entry.time_us;
    }
    return true;
}

struct list {
    struct entry *entries;
    size_t count, room;
};

static void add_copy(struct list *list, const struct capture *capture, uint16_t copy, double start_us) {
    double lasts_us = (double)(capture->last_us - capture->first_us);
    double squeeze = lasts_us > LONGEST_COPY_US ? LONGEST_COPY_US / lasts_us : 1;
    uint64_t latest = 0;
    struct entry entry;
    for (size_t at = FILE_HEADER; next_record(capture, &at, &entry);) {
        if (entry.captured == 0)
            continue;
        uint64_t since = entry.time_us > capture->first_us ? entry.time_us - capture->first_us : 0;
        since = (uint64_t)((double)since * squeeze);
        latest = since > latest ? since : latest; /* a copy never steps back in time */
        entry.time_us = FIRST_US + (uint64_t)start_us + latest;
        entry.order = list->count;
        entry.copy = copy;
        if (list->count == list->room) {
            list->room = list->room ? list->room * 2 : 1 << 16;
            list->entries = checked(realloc(list->entries, list->room * sizeof *list->entries));
        }
        list->entries[list->count++] = entry;
    }
}

static int earlier(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void write_frames(FILE *out, const struct list *list) {
    static uint8_t frame[FRAME_BYTES_MAX];
    const uint32_t header[] = {MAGIC_MICROSECONDS, 2 | 4 << 16, 0, 0, FRAME_BYTES_MAX, 1};
    fwrite(header, sizeof header, 1, out);
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        const uint32_t record[] = {(uint32_t)(entry->time_us / 1000000), (uint32_t)(entry->time_us % 1000000),
                                   entry->captured, entry->wire};
        memcpy(frame, entry->frame, entry->captured);
        move_frame(frame, entry->captured, entry->copy);
        fwrite(record, sizeof record, 1, out);
        fwrite(frame, entry->captured, 1, out);
    }
}

int main(int argc, char **argv) {
    int copies = argc > 4 ? atoi(argv[2]) : 0;
    double window_us = argc > 4 ? atof(argv[3]) * 1e6 : 0;
    if (copies < 1 || window_us <= 0) {
        fprintf(stderr, "usage: mix OUT.pcap COPIES WINDOW_S CAPTURE.pcap...\n");
        return 2;
    }
    int count = argc - 4, used = 0;
    if ((int64_t)copies * count > COPIES_MAX)
        fail(argv[2], "that many copies of that many captures would share addresses");
    struct list list = {0};
    for (int i = 0; i < count; i++) {
        struct capture capture = {0};
        if (!load(&capture, argv[4 + i])) {
            fprintf(stderr, "mix: %s: not a little-endian Ethernet pcap, passed over\n", argv[4 + i]);
            continue;
        }
        used++;
        for (int copy = 0; copy < copies; copy++)
            add_copy(&list, &capture, (uint16_t)(copy * count + i + 1), random_fraction() * window_us);
    }
    qsort(list.entries, list.count, sizeof *list.entries, earlier);
    FILE *out = fopen(argv[1], "wb");
    if (!out)
        fail(argv[1], strerror(errno));
    write_frames(out, &list);
    long bytes = ftell(out);
    if (ferror(out) || fclose(out))
        fail(argv[1], strerror(errno));
    printf("{\"packets\": %zu, \"bytes\": %ld, \"captures\": %d, \"copies\": %d}\n", list.count, bytes, used, copies);
    return 0;
}
