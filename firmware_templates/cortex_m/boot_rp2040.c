/* The second stage that the RP2040's ROM copies from the first 256 bytes of the flash, checks and calls (RP2040 datasheet,
 * 2.8.1): it sets the flash interface to plain reads, which any flash chip has, and starts our vectors behind it.
 * Compiled only: no machine here has this chip. Word 63 is the CRC-32 of the others (polynomial 0x04C11DB7, from ones, not
 * reflected). The others are this, assembled:
 *
 *     ldr r3, =0x18000000     SSI
 *     movs r0, #0             SSIENR = 0
 *     str r0, [r3, #8]
 *     movs r0, #4             BAUDR = 4
 *     str r0, [r3, #0x14]
 *     ldr r0, =0x001F0300     CTRLR0: frames of 32 bits, read a word behind a command
 *     str r0, [r3]
 *     movs r0, #0             CTRLR1: one word
 *     str r0, [r3, #4]
 *     ldr r1, =0x180000F4     SPI_CTRLR0: command 0x03, 8 bits, 24 of address
 *     ldr r0, =0x03000218
 *     str r0, [r1]
 *     movs r0, #1             SSIENR = 1
 *     str r0, [r3, #8]
 *     ldr r0, =0x10000100     our vectors
 *     ldr r1, =0xE000ED08     VTOR
 *     str r0, [r1]
 *     ldm r0!, {r1, r2}       stack and reset handler
 *     msr msp, r1
 *     bx r2 */
#include <stdint.h>

__attribute__((section(".boot"), used, aligned(256))) static const uint32_t second_stage[64] = {
    0x20004B0A, 0x20046098, 0x48096158, 0x20006018, 0x49086058, 0x60084808, 0x60982001, 0x49084807,
    0xC8066008, 0x8808F381, 0x00004710, 0x18000000, 0x001F0300, 0x180000F4, 0x03000218, 0x10000100,
    0xE000ED08,
    [63] = 0x9B1F7A50,
};
