/* Reset, register windows and exceptions of an Xtensa core with the windowed convention (the ESP32's), in the words that
 * LLVM's assembler knows. Special registers have their numbers: 72 WINDOWBASE, 73 WINDOWSTART, 177 EPC1, 224 CPENABLE,
 * 230 PS, 231 VECBASE, 232 EXCCAUSE. Comments stand alone: the assembler takes none behind an operand. */
    .section .reset, "ax"
    .global reset_handler
reset_handler:
    j begin

/* Windows that no longer fit into the register file go to the stack (ISA manual, 4.7.1): the first four registers of a
 * frame below the stack pointer of the next one, the others below that of the one before. */
    .macro move_four what, base, offset, first, second, third, fourth
    \what \first, \base, \offset
    \what \second, \base, \offset + 4
    \what \third, \base, \offset + 8
    \what \fourth, \base, \offset + 12
    .endm

    .balign 1024
    .global vectors
vectors:

/* overflow of a frame of 4 registers, offset 0 */
    move_four s32e, a5, -16, a0, a1, a2, a3
    rfwo

/* underflow of 4 */
    .org 0x440
    move_four l32e, a5, -16, a0, a1, a2, a3
    rfwu

/* overflow of 8: a0 first, it then holds the pointer of the frame before */
    .org 0x480
    s32e a0, a9, -16
    l32e a0, a1, -12
    s32e a1, a9, -12
    s32e a2, a9, -8
    s32e a3, a9, -4
    move_four s32e, a0, -32, a4, a5, a6, a7
    rfwo

/* underflow of 8: a7 last, it holds that pointer */
    .org 0x4c0
    l32e a0, a9, -16
    l32e a1, a9, -12
    l32e a2, a9, -8
    l32e a7, a1, -12
    l32e a3, a9, -4
    move_four l32e, a7, -32, a4, a5, a6, a7
    rfwu

/* overflow of 12 */
    .org 0x500
    s32e a0, a13, -16
    l32e a0, a1, -12
    s32e a1, a13, -12
    s32e a2, a13, -8
    s32e a3, a13, -4
    move_four s32e, a0, -48, a4, a5, a6, a7
    move_four s32e, a0, -32, a8, a9, a10, a11
    rfwo

/* underflow of 12 */
    .org 0x540
    l32e a0, a13, -16
    l32e a1, a13, -12
    l32e a2, a13, -8
    l32e a11, a1, -12
    l32e a3, a13, -4
    move_four l32e, a11, -48, a4, a5, a6, a7
    move_four l32e, a11, -32, a8, a9, a10, a11
    rfwu

/* exceptions of level 2, kernel, user, double */
    .org 0x580
    j fault
    .org 0x700
    j fault
    .org 0x740
    j fault
    .org 0x7c0
    j fault

    .text
    .balign 4
vectors_at:
    .long vectors
stack_at:
    .long stack_high
windows_on:
    .long 0x00040000
start_at:
    .long start
fault_at:
    .long halt_fault

/* The first window, an empty stack, the exceptions off: PS.WOE alone. */
    .macro first_window
    movi a2, 0
    wsr a2, 72
    rsync
    movi a2, 1
    wsr a2, 73
    rsync
    l32r a2, windows_on
    wsr a2, 230
    rsync
    l32r a1, stack_at
    movi a0, 0
    .endm

    .balign 4
begin:
    l32r a2, vectors_at
    wsr a2, 231
    first_window
    l32r a4, start_at
    callx4 a4
1:
    j 1b

/* A fault may come from a full stack: start a new one, and report from there. */
    .balign 4
fault:
    first_window
    rsr a6, 232
    rsr a7, 177
    l32r a4, fault_at
    callx4 a4
2:
    j 2b
