/* Reset and exceptions of the ESP8266's core (lx106), call0 convention. QEMU starts at the first word, whatever the ELF's
 * entry is. */
    .section .reset, "ax"
    .global reset_handler
reset_handler:
    j begin

/* Offsets from VECBASE as in the ESP8266's linker script: debug 0x10, NMI 0x20, kernel 0x30, user 0x50, double 0x70 */
    .balign 256
vectors:
    .org vectors + 0x10
    j fault
    .org vectors + 0x20
    j fault
    .org vectors + 0x30
    j fault
    .org vectors + 0x50
    j fault
    .org vectors + 0x70
    j fault

    .text
    .balign 4
begin:
    movi a2, vectors
    wsr a2, 231                 # VECBASE
    rsync
    movi a1, stack_high
    call0 start
1:  j 1b

/* A fault may come from a full stack: start a new one, and report from there. */
    .balign 4
fault:
    movi a1, stack_high
    rsr a2, 232                 # EXCCAUSE
    rsr a3, 177                 # EPC1
    call0 halt_fault
1:  j 1b
