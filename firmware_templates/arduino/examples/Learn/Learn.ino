/* A sensor that learns: @summary@.
 * port_sensor.c stands in for a sensor, so this runs on a bare board; there you would write analogRead(A0) and so on. */
#include <@name@.h>

#include "sensor_loop.h"

const unsigned long PERIOD_US = 20000; /* yours: as in the training data */

void setup() {
  Serial.begin(115200);
  const uint16_t wrong = sensor_loop_setup();
  while (wrong != 0) {
    Serial.print("self-test failed, see @name@_self_test.h: ");
    Serial.println(wrong);
    delay(1000);
  }
}

void loop() {
  sensor_loop_step();
}

void port_wait(void) {
  static unsigned long last = micros();
  while (micros() - last < PERIOD_US) {
  }
  last += PERIOD_US;
}

/* for the serial plotter */
void port_report(const float y[@NAME@_OUTPUTS]) {
  for (int i = 0; i < @NAME@_OUTPUTS; i++) {
    Serial.print(y[i], 4);
    Serial.print(i + 1 < @NAME@_OUTPUTS ? '\t' : '\n');
  }
}
