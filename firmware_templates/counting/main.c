/* A firmware that plays many models with fixed pseudo-random words, so that their instructions are counted in one run.
 * counting_models.h has the table; the counter writes what it has at each call of mark_next and begins anew. */
#include "port.h"

/* A model's calls; its own header has its own type of net, and any pointer is passed in the same way. */
typedef struct {
    void (*init)(void *net);
    void (*predict)(void *net, const int16_t *x, int16_t *y);
    int (*learn)(void *net, const int16_t *target);
    int (*begin)(void *net, const int16_t *target);
    uint16_t (*slice)(void *net, uint16_t count);
    void (*reset)(void *net); /* this one and the next only so that the linker keeps them */
    int (*observe)(void *net);
    uint16_t inputs, outputs, target_bits, first, steps, sliced;
} counted_model_t;

#define COUNTED_CALLS(name)                                                                                            \
    void name##_init(void *net);                                                                                       \
    void name##_predict(void *net, const int16_t *x, int16_t *y);                                                      \
    int name##_learn(void *net, const int16_t *target);                                                                \
    int name##_learn_begin(void *net, const int16_t *target);                                                          \
    uint16_t name##_learn_slice(void *net, uint16_t count);                                                            \
    void name##_reset(void *net);                                                                                      \
    int name##_observe(void *net);

#include "counting_models.h"

#define MARK(label) __asm__ volatile(".globl mark_" #label "\nmark_" #label ":" ::: "memory")

static uint32_t net[NET_WORDS];
static int16_t x[WIDTH_MAX], y[WIDTH_MAX], target[WIDTH_MAX];
static uint32_t seed;

/* Words of -2^(bits - 1) to 2^(bits - 1) - 1. Source of the constants: Numerical Recipes, "quick and dirty" */
static void draw(int16_t *words, uint16_t count, uint16_t bits) {
    for (uint16_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        words[i] = (int16_t)((int32_t)seed >> (32 - bits));
    }
}

static void sample(const counted_model_t *model) {
    draw(x, model->inputs, 15);
    draw(target, model->outputs, model->target_bits);
}

__attribute__((noinline)) static void call_predict(const counted_model_t *model) {
    MARK(predict_begin);
    model->predict(net, x, y);
    MARK(predict_end);
}

__attribute__((noinline)) static void call_learn(const counted_model_t *model) {
    MARK(learn_begin);
    model->learn(net, target);
    MARK(learn_end);
}

__attribute__((noinline)) static void call_begin(const counted_model_t *model) {
    MARK(open_begin);
    model->begin(net, target);
    MARK(open_end);
}

__attribute__((noinline)) static uint16_t call_slice(const counted_model_t *model) {
    MARK(slice_begin);
    uint16_t left = model->slice(net, 1);
    MARK(slice_end);
    return left;
}

__attribute__((noinline)) static void next(void) {
    MARK(next);
}

/* the first steps are not counted: a rule's memory fills */
static void play(const counted_model_t *model) {
    model->init(net);
    for (uint16_t t = 0; t < model->first; t++) {
        sample(model);
        model->predict(net, x, y);
        model->learn(net, target);
    }
    for (uint16_t t = 0; t < model->steps; t++) {
        sample(model);
        call_predict(model);
        call_learn(model);
    }
    for (uint16_t t = 0; t < model->sliced; t++) {
        sample(model);
        model->predict(net, x, y);
        call_begin(model);
        while (call_slice(model) != 0) {
        }
    }
    next();
}

int main(void) {
    const counted_model_t *volatile table = models; /* else the compiler sees through a short one */
    port_init();
    for (uint16_t i = 0; i < MODELS; i++) {
        seed = 1;
        play(&table[i]);
    }
    port_quit();
}
