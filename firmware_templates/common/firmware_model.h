/* The model that this firmware carries, under names that no model has. */
#ifndef FIRMWARE_MODEL_H
#define FIRMWARE_MODEL_H

#include "@name@_self_test.h"

#define MODEL_DIGEST @NAME@_DIGEST

enum {
    MODEL_INPUTS = @NAME@_INPUTS,
    MODEL_OUTPUTS = @NAME@_OUTPUTS,
    MODEL_BYTES = @NAME@_BYTES
};

typedef @name@_t model_t;

static inline void model_init(model_t *net) {
    @name@_init(net);
}

/* 0, or the first step that differs from the integer reference; leaves the net to be initialised */
static inline uint16_t model_self_test(model_t *net) {
    return @name@_self_test(net);
}

static inline void model_reset(model_t *net) {
    @name@_reset(net);
}

static inline void model_predict(model_t *net, const int16_t x[MODEL_INPUTS], int16_t y[MODEL_OUTPUTS]) {
    @name@_predict(net, x, y);
}

static inline uint8_t model_learn(model_t *net, const int16_t target[MODEL_OUTPUTS]) {
    return (uint8_t)@name@_@learn@(net, target);
}

static inline uint8_t model_observe(model_t *net) {
    @observe@
}

#endif
