/* USART of the STM32G0, H7, L4 and U5 (ST, RM0444, chapter 33). Compiled only: no machine here has one. */
#include "board.h"
#include "port.h"

typedef struct stm32_usart {
    volatile uint32_t control_1, control_2, control_3, baud_rate, guard, timeout, request, status, clear, rx_data, tx_data;
} stm32_usart_t;

enum {
    CONTROL_ENABLE = 1 << 0, CONTROL_TX_RX = 3 << 2, CONTROL_NO_OVERRUN = 1 << 12,
    STATUS_RX_FULL = 1 << 5, STATUS_TX_EMPTY = 1 << 7
};

static stm32_usart_t *const usart = (stm32_usart_t *)BOARD_UART_BASE;

void port_init(void) {
    board_setup();
    usart->baud_rate = (BOARD_UART_CLOCK_HZ + BOARD_BAUD / 2) / BOARD_BAUD;
    usart->control_3 = CONTROL_NO_OVERRUN; /* a byte that came too early must not stop the next ones */
    usart->control_1 = CONTROL_ENABLE | CONTROL_TX_RX;
}

uint8_t port_read(void) {
    while (!(usart->status & STATUS_RX_FULL)) {
    }
    return (uint8_t)usart->rx_data;
}

void port_write(uint8_t byte) {
    while (!(usart->status & STATUS_TX_EMPTY)) {
    }
    usart->tx_data = byte;
}

void port_flush(void) {
}
