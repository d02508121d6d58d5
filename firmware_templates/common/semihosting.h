/* What the firmware can ask of the emulator that runs it. On a bare chip each of these is a fault. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

void semihosting_open(void);                                      /* before any read or write */
uint32_t semihosting_read(uint8_t *bytes, uint32_t size);         /* waits; 0: the end of the input */
void semihosting_write(const uint8_t *bytes, uint32_t count);
void semihosting_say(const char *text);
void semihosting_exit(uint32_t code);                             /* ends the emulator with this exit code */

#endif
