/* What the ROM of NXP's i.MX RT1060 reads first from a flash on FlexSPI (its reference manual, chapter 9): how to read the
 * flash, by the plain read command that any chip has, and at 0x1000 where the vectors are. Compiled only: no machine here
 * has this chip; from memory of the manual. */
#include <stdint.h>

#define FLASH 0x60000000u

enum {
    CLOCK_30_MHZ = 1, ONE_PAD = 1, SERIAL_NOR = 1, FLASH_BYTES = 0x00800000, IMAGE_BYTES = 0x007C0000,
    READ_SEQUENCE_0 = 0x08180403, /* command 0x03 on one pad, then an address of 24 bits */
    READ_SEQUENCE_1 = 0x00002404  /* then read */
};

extern const uint32_t image_vectors[]; /* from board.ld */

typedef struct image_head {
    uint32_t configuration[1024];       /* FlexSPI NOR configuration block */
    const void *vector_table[8];        /* image vector table */
    uint32_t boot_data[4];
    uint32_t unused[1012];
} image_head_t;

_Static_assert(sizeof(image_head_t) == 0x2000, "the vectors follow at 0x2000");

__attribute__((section(".boot"), used, aligned(1024))) static const image_head_t image_head = {
    {
        [0x00 / 4] = 0x42464346,                                                    /* tag "FCFB" */
        [0x04 / 4] = 0x56010400,                                                    /* version 1.4.0 */
        [0x0C / 4] = 0x00030300,                                                    /* hold 3, setup 3 cycles */
        [0x44 / 4] = SERIAL_NOR | (ONE_PAD << 8) | (CLOCK_30_MHZ << 16),
        [0x50 / 4] = FLASH_BYTES,
        [0x80 / 4] = READ_SEQUENCE_0,
        [0x84 / 4] = READ_SEQUENCE_1,
        [0x1C0 / 4] = 256,                                                          /* page */
        [0x1C4 / 4] = 4096,                                                         /* sector */
    },
    {
        (const void *)0x402000D1u,                                                  /* tag, length 32, version */
        image_vectors, 0, 0, (const void *)(FLASH + 0x1020u), (const void *)(FLASH + 0x1000u), 0, 0,
    },
    {FLASH, IMAGE_BYTES, 0, 0},
    {0},
};
