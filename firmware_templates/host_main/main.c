/* The sensor loop as a program of this computer: 200 samples, as fast as they come. */
#include <stdio.h>

#include "sensor_loop.h"

void port_wait(void)
{
}

void port_report(const float y[@NAME@_OUTPUTS])
{
    for (int i = 0; i < @NAME@_OUTPUTS; i++) {
        printf(i + 1 < @NAME@_OUTPUTS ? "%g, " : "%g\n", (double)y[i]);
    }
}

int main(void)
{
    const int wrong = sensor_loop_setup();
    if (wrong != 0) {
        fprintf(stderr, "self-test: %d, see @name@_self_test.h\n", wrong);
        return 1;
    }
    for (int sample = 0; sample < 200; sample++) {
        sensor_loop_step();
    }
    return 0;
}
