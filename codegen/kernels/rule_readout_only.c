/* The cell does not learn: no credit, no influence, nothing to slice. */
static void rule_reset(rtrl_t *net)
{
    (void)net;
}

static void rule_init(rtrl_t *net)
{
    (void)net;
}

static void rule_begin(rtrl_t *net, bool learn)
{
    (void)net;
    (void)learn;
}

static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    (void)net;
    (void)count;
    (void)learn;
    return 0;
}
