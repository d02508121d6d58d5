#include "link.h"

#include "port.h"

/* CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, four bits at a time */
enum { CRC_START = 0xFFFF };

static uint16_t crc_byte(uint16_t crc, uint8_t byte) {
    static const uint16_t table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
        0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
    };
    crc = (uint16_t)((uint16_t)(crc << 4) ^ table[(crc >> 12) ^ (byte >> 4)]);
    return (uint16_t)((uint16_t)(crc << 4) ^ table[(crc >> 12) ^ (byte & 15)]);
}

uint16_t link_get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | (bytes[1] << 8));
}

uint32_t link_get_u32(const uint8_t *bytes) {
    return link_get_u16(bytes) | ((uint32_t)link_get_u16(bytes + 2) << 16);
}

void link_put_u16(uint8_t *bytes, uint16_t value) {
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

void link_put_u32(uint8_t *bytes, uint32_t value) {
    link_put_u16(bytes, (uint16_t)value);
    link_put_u16(bytes + 2, (uint16_t)(value >> 16));
}

/* ------------------------------------------------------------------------------------------- receive */

void link_put(link_parser_t *parser, uint8_t byte) {
    if (parser->filled < LINK_FRAME_MAX) { /* always, if link_next was called until it waited */
        parser->bytes[parser->filled++] = byte;
    }
}

/* Forget count bytes at the front, and then all before the next sync byte. */
static void drop(link_parser_t *parser, uint16_t count) {
    while (count < parser->filled && parser->bytes[count] != LINK_SYNC) {
        count++;
    }
    parser->filled = (uint16_t)(parser->filled - count);
    for (uint16_t i = 0; i < parser->filled; i++) {
        parser->bytes[i] = parser->bytes[i + count];
    }
    parser->blamed = (uint16_t)(parser->blamed > count ? parser->blamed - count : 0);
}

/* What is at the front: a frame (its size in *size), a broken one (*size bytes to blame), or too little yet. */
static link_event_t look(const link_parser_t *parser, uint16_t *size, link_error_t *error) {
    const uint8_t *bytes = parser->bytes;
    if (parser->filled < LINK_HEADER) {
        return LINK_WAIT;
    }
    const uint16_t length = link_get_u16(bytes + 3);
    error->type = bytes[1];
    error->sequence = bytes[2];
    if (length > LINK_PAYLOAD_MAX) {
        error->code = LINK_TOO_LONG;
        error->wanted = LINK_PAYLOAD_MAX;
        error->found = length;
        *size = LINK_HEADER;
        return LINK_BROKEN;
    }
    *size = (uint16_t)(LINK_HEADER + length + LINK_CRC); /* <= LINK_FRAME_MAX */
    if (parser->filled < *size) {
        return LINK_WAIT;
    }
    uint16_t crc = CRC_START;
    for (uint16_t i = 1; i < LINK_HEADER + length; i++) {
        crc = crc_byte(crc, bytes[i]);
    }
    error->code = LINK_BAD_CRC;
    error->wanted = crc;
    error->found = link_get_u16(bytes + LINK_HEADER + length);
    return error->wanted == error->found ? LINK_FRAME : LINK_BROKEN;
}

link_event_t link_next(link_parser_t *parser, link_frame_t *frame, link_error_t *error) {
    drop(parser, parser->taken);
    parser->taken = 0;
    for (;;) { /* ends: each turn that does not return drops at least one byte */
        uint16_t size = 0;
        const link_event_t event = look(parser, &size, error);
        if (event == LINK_WAIT) {
            return LINK_WAIT;
        }
        if (event == LINK_FRAME) {
            frame->type = parser->bytes[1];
            frame->sequence = parser->bytes[2];
            frame->length = (uint16_t)(size - LINK_HEADER - LINK_CRC);
            frame->payload = parser->bytes + LINK_HEADER;
            parser->taken = size;
            return LINK_FRAME;
        }
        const bool first = parser->blamed == 0;
        if (size > parser->blamed) {
            parser->blamed = size;
        }
        drop(parser, 1);
        if (first) {
            return LINK_BROKEN;
        }
    }
}

/* --------------------------------------------------------------------------------------------- answer */

static uint16_t sent_crc;

static void send(uint8_t byte) {
    sent_crc = crc_byte(sent_crc, byte);
    port_write(byte);
}

void link_part(const void *bytes, uint16_t count) {
    const uint8_t *from = bytes;
    for (uint16_t i = 0; i < count; i++) {
        send(from[i]);
    }
}

void link_begin(uint8_t type, uint8_t sequence, uint16_t length) {
    port_write(LINK_SYNC);
    sent_crc = CRC_START;
    send(type);
    send(sequence);
    send((uint8_t)length);
    send((uint8_t)(length >> 8));
}

void link_end(void) {
    const uint16_t crc = sent_crc;
    port_write((uint8_t)crc);
    port_write((uint8_t)(crc >> 8));
    port_flush();
}

void link_fail(const link_error_t *error) {
    uint8_t payload[10];
    payload[0] = (uint8_t)error->code;
    payload[1] = error->type;
    link_put_u32(payload + 2, error->wanted);
    link_put_u32(payload + 6, error->found);
    link_begin(LINK_ERROR, error->sequence, sizeof payload);
    link_part(payload, sizeof payload);
    link_end();
}
