/* Arm PrimeCell UART PL011 (DDI 0183), as on the RP2040 and RP2350. Compiled only: no machine here has one. */
#include "board.h"
#include "port.h"

#define REGISTER(offset) BOARD_REGISTER(BOARD_UART_BASE + (offset))
#define DATA REGISTER(0x00u)
#define FLAGS REGISTER(0x18u)
#define BAUD_WHOLE REGISTER(0x24u)
#define BAUD_64THS REGISTER(0x28u)
#define LINE REGISTER(0x2Cu)
#define CONTROL REGISTER(0x30u)

enum { FLAG_RX_EMPTY = 1 << 4, FLAG_TX_FULL = 1 << 5, LINE_8_BITS_FIFO = 0x70, CONTROL_TX_RX_ENABLE = 0x301 };

void port_init(void) {
    const uint32_t divisor = (4 * BOARD_UART_CLOCK_HZ + BOARD_BAUD / 2) / BOARD_BAUD; /* clock / (16 baud), in 64ths */
    board_setup();
    BAUD_WHOLE = divisor / 64;
    BAUD_64THS = divisor % 64;
    LINE = LINE_8_BITS_FIFO; /* after the divisor, which it latches */
    CONTROL = CONTROL_TX_RX_ENABLE;
}

uint8_t port_read(void) {
    while (FLAGS & FLAG_RX_EMPTY) {
    }
    return (uint8_t)DATA;
}

void port_write(uint8_t byte) {
    while (FLAGS & FLAG_TX_FULL) {
    }
    DATA = byte;
}

void port_flush(void) {
}
