/* A sensor that learns: what each sample does, and what that asks of a board. */
#ifndef SENSOR_LOOP_H
#define SENSOR_LOOP_H

#include <stdbool.h>

#include "@name@.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Self-test, then factory weights. Returns what @name@_self_test found: 0 if all is well. */
uint16_t sensor_loop_setup(void);

/* One sample: wait, read, learn from the label of the sample before, predict, report. */
void sensor_loop_step(void);

/* ---- for you to write, per board; physical units, as in the training data ---- */

/* until the next sample is due */
void port_wait(void);

/* called between two slices of a learning step: what cannot wait for its end, such as a radio or a watchdog; it must
 * leave the model alone */
void port_idle(void);

/* the sensors */
void port_read(float x[@NAME@_INPUTS]);

/* label of the sample that was predicted last; x was read after it. false: there is none */
bool port_label(float target[@NAME@_OUTPUTS], const float x[@NAME@_INPUTS]);

/* the prediction */
void port_report(const float y[@NAME@_OUTPUTS]);

#ifdef __cplusplus
}
#endif

#endif
