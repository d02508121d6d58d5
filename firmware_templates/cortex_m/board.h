/* @title@ */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_UART_BASE @uart_base@u

enum { BOARD_COPROCESSOR = @coprocessor@ };   /* 1: the core has an FPU or vector unit, off at reset */

#endif
