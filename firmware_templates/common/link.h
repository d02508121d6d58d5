/* Framed serial link: requests in, one answer for each.
 *
 *   sync 0xA5 | type 1 | sequence 1 | length 2 | payload | crc 2        all integers little-endian
 *
 * The CRC is CRC-16/CCITT-FALSE over everything between the sync byte and itself. It finds every error of up
 * to three bits in frames of at most 4093 bytes, which all of ours are, costs 32 bytes of table, and Python
 * has it built in. A request must also have a known type and the one length its type allows.
 *
 * An answer repeats the sequence of its request and has its type with bit 7 set; a request that cannot be
 * served is answered by LINK_ERROR: code 1, type 1, wanted 4, found 4.
 *
 * After a broken frame the parser tries the next sync byte that it holds, so a good frame behind or inside
 * broken bytes is not lost. Each run of broken bytes is answered once. A false header can make it wait for
 * bytes that never come: LINK_FRAME_MAX bytes of zero end that, and are ignored outside a frame. */
#ifndef LINK_H
#define LINK_H

#include "firmware_model.h"

#include <stdbool.h>
#include <stdint.h>

enum { LINK_VERSION = 1, LINK_SYNC = 0xA5, LINK_ANSWER = 0x80, LINK_ERROR = 0xFF };

typedef enum link_type {      /* request -> answer; x, y and target are int16 */
    LINK_HELLO = 0x01,        /* -> version 1, digest 8, struct bytes 4, inputs 2, outputs 2 */
    LINK_RESTART = 0x02,      /* factory weights, empty past -> */
    LINK_RESET = 0x03,        /* empty past, the weights stay -> */
    LINK_PREDICT = 0x04,      /* x -> y */
    LINK_LEARN = 0x05,        /* target -> status 1 */
    LINK_OBSERVE = 0x06,      /* -> status 1 */
    LINK_STEP = 0x07,         /* target of the last sample, next x -> status 1, y */
    LINK_READ = 0x08,         /* offset 4, count 2 -> count bytes of the state struct */
    LINK_STACK = 0x09,        /* -> most bytes ever used 4, bytes reserved 4 */
    LINK_QUIT = 0x0A,         /* under an emulator only: answers, then ends the emulation -> */
    LINK_WRITE = 0x0B,        /* offset 4, bytes of the struct 4 -> */
    LINK_SELF_TEST = 0x0C     /* plays the stored samples, then factory weights, empty past -> first wrong step, or 0: 2 */
} link_type_t;

typedef enum link_code {
    LINK_BAD_CRC = 1,         /* wanted: the CRC of the bytes; found: the one received */
    LINK_TOO_LONG = 2,        /* wanted: LINK_PAYLOAD_MAX; found: the length received */
    LINK_UNKNOWN_TYPE = 3,    /* found: the type */
    LINK_WRONG_LENGTH = 4,    /* wanted, found: payload lengths */
    LINK_OUT_OF_RANGE = 5,    /* READ or WRITE past the struct, or more than LINK_READ_MAX; wanted: the largest count */
    LINK_UNSUPPORTED = 6      /* this board cannot do it */
} link_code_t;

enum {
    LINK_HEADER = 5,
    LINK_CRC = 2,
    LINK_READ_MAX = 1024,
    LINK_WRITE_BYTES = 4,     /* the struct's size is a multiple of it */
    LINK_PAYLOAD_MIN = 4 + LINK_WRITE_BYTES,
    LINK_PAYLOAD_STEP = 2 * (MODEL_INPUTS + MODEL_OUTPUTS),
    LINK_PAYLOAD_MAX = LINK_PAYLOAD_STEP > LINK_PAYLOAD_MIN ? LINK_PAYLOAD_STEP : LINK_PAYLOAD_MIN,
    LINK_FRAME_MAX = LINK_HEADER + LINK_PAYLOAD_MAX + LINK_CRC
};

typedef struct link_frame {
    uint8_t type, sequence;
    uint16_t length;
    const uint8_t *payload;   /* inside the parser: valid until the next link_next */
} link_frame_t;

typedef struct link_error {
    link_code_t code;
    uint8_t type, sequence;
    uint32_t wanted, found;
} link_error_t;

/* invariant: filled <= LINK_FRAME_MAX, taken <= filled, and bytes[0] is a sync byte whenever link_next waits */
typedef struct link_parser {
    uint8_t bytes[LINK_FRAME_MAX];
    uint16_t filled;
    uint16_t taken;           /* bytes of the frame that the last link_next gave out */
    uint16_t blamed;          /* bytes from the front that belong to a broken frame already answered */
} link_parser_t;

typedef enum link_event { LINK_WAIT, LINK_FRAME, LINK_BROKEN } link_event_t;

void link_put(link_parser_t *parser, uint8_t byte);

/* Call until it says LINK_WAIT before the next link_put. */
link_event_t link_next(link_parser_t *parser, link_frame_t *frame, link_error_t *error);

/* An answer: begin, any number of parts that add up to length, end. */
void link_begin(uint8_t type, uint8_t sequence, uint16_t length);
void link_part(const void *bytes, uint16_t count);
void link_end(void);
void link_fail(const link_error_t *error);

uint16_t link_get_u16(const uint8_t *bytes);
uint32_t link_get_u32(const uint8_t *bytes);
void link_put_u16(uint8_t *bytes, uint16_t value);
void link_put_u32(uint8_t *bytes, uint32_t value);

#endif
