#include "@name@_self_test.h"

static @name@_t net;

int main(void)
{
    return @name@_self_test(&net); /* 0, or the number of what differs: see @name@_self_test.h */
}
