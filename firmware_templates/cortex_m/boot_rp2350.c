/* The block by which the RP2350's ROM knows a program for its Arm cores (RP2350 datasheet, 5.9), within the first 4 KiB of
 * the flash; the vectors are at its start. Compiled only: no machine here has this chip. */
#include <stdint.h>

__attribute__((section(".boot_after"), used, aligned(4))) static const uint32_t image_definition[5] = {
    0xFFFFDED3, /* a block begins */
    0x10210142, /* image type: executable, secure, Arm, RP2350 */
    0x000001FF, /* last item, one word before it */
    0x00000000, /* the next block is this one */
    0xAB123579, /* a block ends */
};
