#include "sensor_loop.h"

#include "@name@_self_test.h"

static const float x_offset[@NAME@_INPUTS] = { @x_offset@ };
static const float x_gain[@NAME@_INPUTS] = { @x_gain@ };
static const float y_offset[@NAME@_OUTPUTS] = { @y_offset@ };
static const float y_gain[@NAME@_OUTPUTS] = { @y_gain@ };

/* of the @NAME@_SLICES parts of a learning step: fewer, and port_idle is called more often */
enum { PARTS_AT_ONCE = 8 };

static @name@_t net;

/* to nearest, saturated */
static int16_t word(float value, float one)
{
    const float scaled = value * one;
    if (scaled > 32766.5f) {
        return 32767;
    }
    if (scaled < -32766.5f) {
        return -32767;
    }
    return (int16_t)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
}

uint16_t sensor_loop_setup(void)
{
    const uint16_t wrong = @name@_self_test(&net);
    @name@_init(&net);
    return wrong;
}

void sensor_loop_step(void)
{
    float reading[@NAME@_INPUTS], label[@NAME@_OUTPUTS], prediction[@NAME@_OUTPUTS];
    int16_t x[@NAME@_INPUTS], y[@NAME@_OUTPUTS], target[@NAME@_OUTPUTS];
    port_wait();
    port_read(reading);
    if (port_label(label, reading)) {
        for (int i = 0; i < @NAME@_OUTPUTS; i++) {
            target[i] = word((label[i] - y_offset[i]) * y_gain[i], @y_one@.0f);
        }
        (void)@name@_learn_begin(&net, target); /* before the first prediction it does nothing */
        while (@name@_learn_slice(&net, PARTS_AT_ONCE) != 0) {
            port_idle();
        }
    }
    for (int i = 0; i < @NAME@_INPUTS; i++) {
        x[i] = word((reading[i] - x_offset[i]) * x_gain[i], 32768.0f);
    }
    @name@_predict(&net, x, y); /* a sample that had no label is completed here */
    for (int i = 0; i < @NAME@_OUTPUTS; i++) {
        prediction[i] = (float)y[i] / @y_one@.0f / y_gain[i] + y_offset[i];
    }
    port_report(prediction);
}
