/* @title@ */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_UART_BASE @uart_base@u

#endif
