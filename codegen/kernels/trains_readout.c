/* The cell stays as it was flashed. */
static void trains_init(rtrl_t *net)
{
    (void)net;
}

static void trains_direct(rtrl_t *net)
{
    (void)net;
}
