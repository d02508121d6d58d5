/* @title@ */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_UART_BASE @uart_base@u
#define BOARD_UART_CLOCK_HZ @uart_clock@u
#define BOARD_BAUD 115200u
#define BOARD_REGISTER(address) (*(volatile uint32_t *)(address))

enum { BOARD_COPROCESSOR = @coprocessor@ };   /* 1: the core has an FPU or vector unit, off at reset */

/* The rows `setup` of the board's file: clocks and pins of the UART. */
static inline void board_setup(void) {@setup@
}

#endif
