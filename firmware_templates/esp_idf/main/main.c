/* A sensor that learns: @summary@.
 * port_sensor.c stands in for a sensor, so this runs on a bare board. */
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "sensor_loop.h"

enum { PERIOD_MS = 20 }; /* yours: as in the training data */

void port_wait(void)
{
    static TickType_t last;
    if (last == 0) {
        last = xTaskGetTickCount();
    }
    vTaskDelayUntil(&last, pdMS_TO_TICKS(PERIOD_MS));
}

void port_report(const float y[@NAME@_OUTPUTS])
{
    for (int i = 0; i < @NAME@_OUTPUTS; i++) {
        printf(i + 1 < @NAME@_OUTPUTS ? "%g, " : "%g\n", (double)y[i]);
    }
}

void app_main(void)
{
    const int wrong = sensor_loop_setup();
    if (wrong != 0) {
        printf("self-test: %d, see @name@_self_test.h\n", wrong);
        return;
    }
    for (;;) {
        sensor_loop_step();
    }
}
