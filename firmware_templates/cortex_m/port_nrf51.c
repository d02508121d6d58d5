/* UART of the nRF51 (Reference Manual 3.0.1, chapter 29), which the nRF52 still has beside its UARTE, at 115200 baud. */
#include "board.h"
#include "port.h"

#define REGISTER(offset) (*(volatile uint32_t *)(BOARD_UART_BASE + (offset)))
#define START_RX REGISTER(0x000u)
#define START_TX REGISTER(0x008u)
#define RX_READY REGISTER(0x108u)
#define TX_READY REGISTER(0x11Cu)
#define ENABLE REGISTER(0x500u)
#define RX_DATA REGISTER(0x518u)
#define TX_DATA REGISTER(0x51Cu)
#define BAUD_RATE REGISTER(0x524u)

enum { ENABLE_UART = 4, BAUD_115200 = 0x01D7E000 };

void port_init(void) {
    board_setup();
    ENABLE = ENABLE_UART;
    BAUD_RATE = BAUD_115200;
    START_TX = 1;
    START_RX = 1;
}

uint8_t port_read(void) {
    while (!RX_READY) {
    }
    RX_READY = 0; /* before the data: reading it makes the next byte ready */
    return (uint8_t)RX_DATA;
}

void port_write(uint8_t byte) {
    TX_READY = 0;
    TX_DATA = byte;
    while (!TX_READY) {
    }
}

void port_flush(void) {
}
