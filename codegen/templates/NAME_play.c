/* @name@_play.c - many steps of @name@ in one call, for the host twin alone: it never goes to a device. */
#include "@name@.c"

void @name@_play(@name@_t *net, const int16_t *x, const int16_t *target, const uint8_t *labelled, int16_t *y, size_t steps);

/* y: (steps, outputs) predictions of x: (steps, inputs); after each of them learn from target: (steps, outputs), or
 * observe where labelled: (steps) is 0. target NULL: predict only; labelled NULL: every step has a label */
void @name@_play(@name@_t *net, const int16_t *x, const int16_t *target, const uint8_t *labelled, int16_t *y, size_t steps)
{
    for (size_t t = 0; t < steps; t++) {
        @name@_predict(net, &x[t * @NAME@_INPUTS], &y[t * @NAME@_OUTPUTS]);
        if (target) {
            bool learns = !labelled || labelled[t];
            (void)(learns ? @name@_learn(net, &target[t * @NAME@_OUTPUTS]) : @name@_observe(net));
        }
    }
}
