/* A sensor that learns: @summary@.
 * port_sensor.c stands in for a sensor, so this runs on a bare board. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "sensor_loop.h"

enum { PERIOD_MS = 20 }; /* yours: as in the training data */

K_TIMER_DEFINE(sample_timer, NULL, NULL);

void port_wait(void)
{
	k_timer_status_sync(&sample_timer);
}

void port_report(const float y[@NAME@_OUTPUTS])
{
	for (int i = 0; i < @NAME@_OUTPUTS; i++) {
		printk(i + 1 < @NAME@_OUTPUTS ? "%g, " : "%g\n", (double)y[i]);
	}
}

int main(void)
{
	const int wrong = sensor_loop_setup();

	printk("self-test: %d\n", wrong);
	if (wrong != 0) { /* see @name@_self_test.h */
		return 0;
	}
	k_timer_start(&sample_timer, K_MSEC(PERIOD_MS), K_MSEC(PERIOD_MS));
	for (;;) {
		sensor_loop_step();
	}
}
