/* All that the firmware asks of a board. */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
#include <stdint.h>

void port_init(void);
uint8_t port_read(void);                                  /* waits for a byte */
void port_write(uint8_t byte);                            /* may keep it back until port_flush */
void port_flush(void);
bool port_stack(uint32_t *used, uint32_t *reserved);      /* false: not measured here */
bool port_can_quit(void);                                 /* true: port_quit ends the emulation or process */
void port_quit(void);

#endif
