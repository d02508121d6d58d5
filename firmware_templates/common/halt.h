/* How the firmware ends: whoever runs it decides what these do. */
#ifndef HALT_H
#define HALT_H

#include <stdbool.h>
#include <stdint.h>

enum { HALT_FAULT = 99 };                                /* exit code of a fault */

bool halt_possible(void);
void halt_quit(void);
void halt_fault(uint32_t exception, uint32_t pc);

#endif
