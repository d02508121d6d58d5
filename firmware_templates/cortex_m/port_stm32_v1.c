/* USART of the STM32F1, F2, F4 and L1 (ST, RM0090, chapter 30). */
#include "board.h"
#include "port.h"

typedef struct stm32_usart {
    volatile uint32_t status, data, baud_rate, control_1;
} stm32_usart_t;

enum { STATUS_RX_FULL = 1 << 5, STATUS_TX_EMPTY = 1 << 7, CONTROL_ENABLE = 1 << 13, CONTROL_TX_RX = 3 << 2 };

static stm32_usart_t *const usart = (stm32_usart_t *)BOARD_UART_BASE;

void port_init(void) {
    board_setup();
    usart->baud_rate = (BOARD_UART_CLOCK_HZ + BOARD_BAUD / 2) / BOARD_BAUD;
    usart->control_1 = CONTROL_ENABLE | CONTROL_TX_RX;
}

uint8_t port_read(void) {
    while (!(usart->status & STATUS_RX_FULL)) {
    }
    return (uint8_t)usart->data; /* after the status: that clears an overrun too */
}

void port_write(uint8_t byte) {
    while (!(usart->status & STATUS_TX_EMPTY)) {
    }
    usart->data = byte;
}

void port_flush(void) {
}
