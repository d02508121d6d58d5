/* LPUART of NXP's i.MX RT1060 (its reference manual, chapter 49). Compiled only: no machine here has one. */
#include "board.h"
#include "port.h"

#define REGISTER(offset) BOARD_REGISTER(BOARD_UART_BASE + (offset))
#define BAUD REGISTER(0x10u)
#define STATUS REGISTER(0x14u)
#define CONTROL REGISTER(0x18u)
#define DATA REGISTER(0x1Cu)

enum {
    OVERSAMPLING = 16, OVERSAMPLING_AT = 24,
    STATUS_OVERRUN = 1 << 19, STATUS_RX_FULL = 1 << 21, STATUS_TX_EMPTY = 1 << 23, CONTROL_TX_RX = 3 << 18
};

void port_init(void) {
    const uint32_t baud = OVERSAMPLING * BOARD_BAUD;
    board_setup();
    BAUD = ((uint32_t)(OVERSAMPLING - 1) << OVERSAMPLING_AT) | ((BOARD_UART_CLOCK_HZ + baud / 2) / baud);
    CONTROL = CONTROL_TX_RX;
}

uint8_t port_read(void) {
    while (!(STATUS & STATUS_RX_FULL)) {
        if (STATUS & STATUS_OVERRUN) {
            STATUS = STATUS_OVERRUN; /* written, it is cleared; until then nothing is received */
        }
    }
    return (uint8_t)DATA;
}

void port_write(uint8_t byte) {
    while (!(STATUS & STATUS_TX_EMPTY)) {
    }
    DATA = byte;
}

void port_flush(void) {
}
