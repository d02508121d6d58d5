/* The simulator calls of Xtensa: number and arguments in a2 to a5, the result in a2. Numbers are those of QEMU's
 * target/xtensa/xtensa-semi.c. */
#include "semihosting.h"

enum { CALL_EXIT = 1, CALL_READ = 3, CALL_WRITE = 4, CONSOLE_IN = 0, CONSOLE_OUT = 1, CONSOLE_ERROR = 2 };

static int32_t call(int32_t number, int32_t first, int32_t second, int32_t third) {
    register int32_t a2 __asm__("a2") = number;
    register int32_t a3 __asm__("a3") = first;
    register int32_t a4 __asm__("a4") = second;
    register int32_t a5 __asm__("a5") = third;
    __asm__ volatile(".byte 0x00, 0x51, 0x00" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory"); /* simcall */
    return a2;
}

void semihosting_open(void) {
}

uint32_t semihosting_read(uint8_t *bytes, uint32_t size) {
    const int32_t count = call(CALL_READ, CONSOLE_IN, (int32_t)(uintptr_t)bytes, (int32_t)size);
    return count > 0 ? (uint32_t)count : 0;
}

static void write_all(int32_t file, const uint8_t *bytes, uint32_t count) {
    while (count != 0) {
        const int32_t written = call(CALL_WRITE, file, (int32_t)(uintptr_t)bytes, (int32_t)count);
        if (written <= 0) {
            return; /* nobody listens any more */
        }
        bytes += written;
        count -= (uint32_t)written;
    }
}

void semihosting_write(const uint8_t *bytes, uint32_t count) {
    write_all(CONSOLE_OUT, bytes, count);
}

void semihosting_say(const char *text) {
    uint32_t count = 0;
    while (text[count] != '\0') {
        count++;
    }
    write_all(CONSOLE_ERROR, (const uint8_t *)text, count);
}

void semihosting_exit(uint32_t code) {
    for (;;) {
        call(CALL_EXIT, (int32_t)code, 0, 0);
    }
}
