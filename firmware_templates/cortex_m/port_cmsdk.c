/* UART of Arm's Cortex-M System Design Kit (DDI 0479, 4.3), as on the MPS2 and MPS3 boards. */
#include "board.h"
#include "port.h"

typedef struct cmsdk_uart {
    volatile uint32_t data, state, control, interrupt, divider;
} cmsdk_uart_t;

enum { STATE_TX_FULL = 1, STATE_RX_FULL = 2, CONTROL_TX_RX = 3, DIVIDER_MIN = 16 };

static cmsdk_uart_t *const uart = (cmsdk_uart_t *)BOARD_UART_BASE;

void port_init(void) {
    uart->divider = DIVIDER_MIN;
    uart->control = CONTROL_TX_RX;
}

uint8_t port_read(void) {
    while (!(uart->state & STATE_RX_FULL)) {
    }
    return (uint8_t)uart->data;
}

void port_write(uint8_t byte) {
    while (uart->state & STATE_TX_FULL) {
    }
    uart->data = byte;
}

void port_flush(void) {
}
