/* UART of the 16550 family (National Semiconductor, PC16550D), registers one byte apart. Its divisor is left as it is:
 * under an emulator there is no baud rate. */
#include "board.h"
#include "port.h"

#define REGISTER(offset) (*(volatile uint8_t *)(BOARD_UART_BASE + (offset)))
#define DATA REGISTER(0u)
#define INTERRUPTS REGISTER(1u)
#define LINE_STATUS REGISTER(5u)

enum { DATA_READY = 0x01, TX_EMPTY = 0x20 };

void port_init(void) {
    INTERRUPTS = 0;
}

uint8_t port_read(void) {
    while (!(LINE_STATUS & DATA_READY)) {
    }
    return DATA;
}

void port_write(uint8_t byte) {
    while (!(LINE_STATUS & TX_EMPTY)) {
    }
    DATA = byte;
}

void port_flush(void) {
}
