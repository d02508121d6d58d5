/* The firmware: read a frame, act, answer. */
#include "firmware_model.h"
#include "link.h"
#include "port.h"
#include <string.h>

static model_t net;
static link_parser_t parser;
static int16_t x[MODEL_INPUTS], y[MODEL_OUTPUTS], target[MODEL_OUTPUTS];
static uint8_t status;

/* Instructions are counted from the first label to the second; nothing but the call is between them. */
#define MARK(label) __asm__ volatile(".globl mark_" #label "\nmark_" #label ":" ::: "memory")

__attribute__((noinline)) static void call_predict(void) {
    MARK(predict_begin);
    model_predict(&net, x, y);
    MARK(predict_end);
}

__attribute__((noinline)) static void call_learn(void) {
    MARK(learn_begin);
    status = model_learn(&net, target);
    MARK(learn_end);
}

__attribute__((noinline)) static void call_observe(void) {
    MARK(observe_begin);
    status = model_observe(&net);
    MARK(observe_end);
}

static void get_words(int16_t *words, const uint8_t *bytes, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        words[i] = (int16_t)link_get_u16(bytes + 2 * i);
    }
}

static void put_words(const int16_t *words, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        uint8_t bytes[2];
        link_put_u16(bytes, (uint16_t)words[i]);
        link_part(bytes, sizeof bytes);
    }
}

static void begin(const link_frame_t *frame, uint16_t length) {
    link_begin(frame->type | LINK_ANSWER, frame->sequence, length);
}

static void answer_empty(const link_frame_t *frame) {
    begin(frame, 0);
    link_end();
}

static void answer_status(const link_frame_t *frame) {
    begin(frame, 1);
    link_part(&status, 1);
    link_end();
}

static void answer_y(const link_frame_t *frame) {
    begin(frame, 2 * MODEL_OUTPUTS);
    put_words(y, MODEL_OUTPUTS);
    link_end();
}

static void answer_step(const link_frame_t *frame) {
    begin(frame, 1 + 2 * MODEL_OUTPUTS);
    link_part(&status, 1);
    put_words(y, MODEL_OUTPUTS);
    link_end();
}

static void answer_hello(const link_frame_t *frame) {
    static const uint8_t digest[8] = MODEL_DIGEST;
    uint8_t payload[17];
    payload[0] = LINK_VERSION;
    for (uint16_t i = 0; i < sizeof digest; i++) {
        payload[1 + i] = digest[i];
    }
    link_put_u32(payload + 9, MODEL_BYTES);
    link_put_u16(payload + 13, MODEL_INPUTS);
    link_put_u16(payload + 15, MODEL_OUTPUTS);
    begin(frame, sizeof payload);
    link_part(payload, sizeof payload);
    link_end();
}

static void refuse(const link_frame_t *frame, link_code_t code, uint32_t wanted, uint32_t found) {
    const link_error_t error = {code, frame->type, frame->sequence, wanted, found};
    link_fail(&error);
}

static void answer_read(const link_frame_t *frame) {
    const uint32_t offset = link_get_u32(frame->payload);
    const uint16_t count = link_get_u16(frame->payload + 4);
    const uint32_t left = offset < MODEL_BYTES ? MODEL_BYTES - offset : 0;
    const uint32_t most = left < LINK_READ_MAX ? left : LINK_READ_MAX;
    if (count > most) {
        refuse(frame, LINK_OUT_OF_RANGE, most, count);
        return;
    }
    begin(frame, count);
    link_part((const uint8_t *)&net + offset, count);
    link_end();
}

static void answer_write(const link_frame_t *frame) {
    const uint32_t offset = link_get_u32(frame->payload);
    if (offset > MODEL_BYTES - LINK_WRITE_BYTES) {
        refuse(frame, LINK_OUT_OF_RANGE, offset < MODEL_BYTES ? MODEL_BYTES - offset : 0, LINK_WRITE_BYTES);
        return;
    }
    memcpy((uint8_t *)&net + offset, frame->payload + 4, LINK_WRITE_BYTES);
    answer_empty(frame);
}

static void answer_self_test(const link_frame_t *frame) {
    uint8_t payload[2];
    link_put_u16(payload, model_self_test(&net));
    model_init(&net);
    begin(frame, sizeof payload);
    link_part(payload, sizeof payload);
    link_end();
}

static void answer_stack(const link_frame_t *frame) {
    uint32_t used = 0, reserved = 0;
    if (!port_stack(&used, &reserved)) {
        refuse(frame, LINK_UNSUPPORTED, 0, 0);
        return;
    }
    uint8_t payload[8];
    link_put_u32(payload, used);
    link_put_u32(payload + 4, reserved);
    begin(frame, sizeof payload);
    link_part(payload, sizeof payload);
    link_end();
}

static void answer_quit(const link_frame_t *frame) {
    if (!port_can_quit()) {
        refuse(frame, LINK_UNSUPPORTED, 0, 0);
        return;
    }
    answer_empty(frame);
    port_quit();
}

/* Payload length that a request must have, -1 if there is no such request. */
static int32_t wanted_length(uint8_t type) {
    switch (type) {
    case LINK_HELLO: case LINK_RESTART: case LINK_RESET: case LINK_OBSERVE: case LINK_STACK: case LINK_QUIT:
    case LINK_SELF_TEST:
        return 0;
    case LINK_PREDICT:
        return 2 * MODEL_INPUTS;
    case LINK_LEARN:
        return 2 * MODEL_OUTPUTS;
    case LINK_STEP:
        return 2 * (MODEL_OUTPUTS + MODEL_INPUTS);
    case LINK_READ:
        return 6;
    case LINK_WRITE:
        return 4 + LINK_WRITE_BYTES;
    default:
        return -1;
    }
}

static void act(const link_frame_t *frame) {
    const int32_t wanted = wanted_length(frame->type);
    if (wanted < 0) {
        refuse(frame, LINK_UNKNOWN_TYPE, 0, frame->type);
        return;
    }
    if (wanted != (int32_t)frame->length) {
        refuse(frame, LINK_WRONG_LENGTH, (uint32_t)wanted, frame->length);
        return;
    }
    switch (frame->type) {
    case LINK_HELLO:
        answer_hello(frame);
        break;
    case LINK_RESTART:
        model_init(&net);
        answer_empty(frame);
        break;
    case LINK_RESET:
        model_reset(&net);
        answer_empty(frame);
        break;
    case LINK_PREDICT:
        get_words(x, frame->payload, MODEL_INPUTS);
        call_predict();
        answer_y(frame);
        break;
    case LINK_LEARN:
        get_words(target, frame->payload, MODEL_OUTPUTS);
        call_learn();
        answer_status(frame);
        break;
    case LINK_OBSERVE:
        call_observe();
        answer_status(frame);
        break;
    case LINK_STEP:
        get_words(target, frame->payload, MODEL_OUTPUTS);
        get_words(x, frame->payload + 2 * MODEL_OUTPUTS, MODEL_INPUTS);
        call_learn();
        call_predict();
        answer_step(frame);
        break;
    case LINK_READ:
        answer_read(frame);
        break;
    case LINK_WRITE:
        answer_write(frame);
        break;
    case LINK_SELF_TEST:
        answer_self_test(frame);
        break;
    case LINK_STACK:
        answer_stack(frame);
        break;
    default: /* LINK_QUIT: every other type was refused above */
        answer_quit(frame);
        break;
    }
}

int main(void) {
    link_frame_t frame;
    link_error_t error;
    port_init();
    model_init(&net);
    for (;;) {
        link_put(&parser, port_read());
        for (;;) {
            const link_event_t event = link_next(&parser, &frame, &error);
            if (event == LINK_FRAME) {
                act(&frame);
            } else if (event == LINK_BROKEN) {
                link_fail(&error);
            } else {
                break;
            }
        }
    }
}
