"""The pool: what is kept, for how long, and what is never offered."""


async def given_back(desk, count=1):
    upstreams = [await desk.pool.open("unix:/x") for _ in range(count)]
    for upstream in upstreams:
        desk.pool.give(upstream)
    return upstreams


async def test_the_last_one_used_is_taken_first(make_desk):
    """And each only once."""
    desk = make_desk()
    first, second = await given_back(desk, 2)
    assert desk.pool.take("unix:/x") is second
    assert desk.pool.take("unix:/x") is first
    assert desk.pool.take("unix:/x") is None
    assert desk.pool.take("unix:/y") is None


async def test_closed_ones_are_not_offered(make_desk):
    """Nor those on which something arrived that nobody asked for."""
    desk = make_desk()
    closed, talking = await given_back(desk, 2)
    closed.transport.close()
    talking.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    assert talking.transport.closed
    assert desk.pool.take("unix:/x") is None


async def test_idle_ones_are_closed_in_time(make_desk):
    """After the configured time, and beyond the configured number."""
    desk = make_desk(pool_idle=5, pool_size=2)
    one, two, three = await given_back(desk, 3)
    assert (one.transport.closed, two.transport.closed, three.transport.closed) == (False, False, True)
    now = desk.shared.loop.time()
    desk.pool.sweep(now + 4)
    assert not one.transport.closed
    desk.pool.sweep(now + 6)
    assert one.transport.closed
    assert two.transport.closed


async def test_a_closed_pool_keeps_none(make_desk):
    """Neither what it had nor what comes back later."""
    desk = make_desk()
    (kept,) = await given_back(desk)
    late = await desk.pool.open("unix:/x")
    desk.pool.close()
    desk.pool.give(late)
    assert kept.transport.closed
    assert late.transport.closed
