import asyncio
import threading

from tholos.kit.notices import Notices, wait


async def test_who_watches_is_woken_from_any_thread():
    notices = Notices(asyncio.get_running_loop())
    with notices.watch("a") as one, notices.watch("a") as two, notices.watch("b") as other:
        thread = threading.Thread(target=notices.publish, args=("a",))
        thread.start()
        assert await wait(one, 5)
        assert await wait(two, 5)
        thread.join()
        assert not other.is_set()


async def test_who_watches_several_topics_is_woken_by_each():
    notices = Notices(asyncio.get_running_loop())
    with notices.watch("a", "b") as event:
        for topic in ("a", "b"):
            notices.publish(topic)
            assert await wait(event, 5)
    assert not notices._waiters


async def test_a_notice_before_the_wait_is_not_missed():
    notices = Notices(asyncio.get_running_loop())
    with notices.watch("a") as event:
        notices.publish("a")
        await asyncio.sleep(0)
        assert await wait(event, 0)
        assert not event.is_set()


async def test_waiting_ends_in_time():
    assert not await wait(asyncio.Event(), 0.001)


async def test_who_left_leaves_nothing():
    notices = Notices(asyncio.get_running_loop())
    with notices.watch("a"):
        pass
    notices.publish("a")
    await asyncio.sleep(0)
    assert not notices._waiters


def test_a_notice_after_the_end_of_its_loop_is_nothing():
    loop = asyncio.new_event_loop()
    notices = Notices(loop)
    loop.close()
    notices.publish("a")
