#include <unity.h>

#include "@name@_self_test.h"

static @name@_t net;

void setUp(void)
{
}

void tearDown(void)
{
}

static void test_self_test(void)
{
    TEST_ASSERT_EQUAL_UINT16(0, @name@_self_test(&net));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_self_test);
    return UNITY_END();
}
