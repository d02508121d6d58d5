/* Stands in for a sensor: triangle waves in the range of the training data. Replace these functions by yours. */
#include "sensor_loop.h"

void port_read(float x[@NAME@_INPUTS])
{
    static const float middle[@NAME@_INPUTS] = { @x_offset@ };
    static const float swing[@NAME@_INPUTS] = { @x_swing@ };
    static unsigned time;
    for (unsigned i = 0; i < @NAME@_INPUTS; i++) {
        const int phase = (int)((time + 5 * i) % 40); /* 40 samples a wave */
        x[i] = middle[i] + swing[i] * (float)(phase < 20 ? phase - 10 : 30 - phase) / 10.0f;
    }
    time++;
}

void port_idle(void)
{
    /* here: nothing else to do */
}

/* here: the model predicts the next sample of its inputs, so a label comes one sample later */
bool port_label(float target[@NAME@_OUTPUTS], const float x[@NAME@_INPUTS])
{
    for (int i = 0; i < @NAME@_OUTPUTS; i++) {
        target[i] = x[i % @NAME@_INPUTS];
    }
    return true;
}
