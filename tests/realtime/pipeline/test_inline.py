"""Stages in the caller's own thread."""

import threading
import weakref

import pytest

from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.inline import InlinePipeline
from tests.fakes.pipeline_parts import AfterResults, Camera, Holding, Item, Numbers, Through, failing_at


def indices(results):
    return [item.index for item in results]


def test_items_go_through_all_stages_one_after_the_other_in_this_thread():
    order = []
    first = Through("first", action=lambda item: order.append(("first", item.index)))
    second = Through("second", batch=8, action=lambda item: order.append(("second", item.index)))
    source = Numbers(3)
    assert indices(InlinePipeline(source, [first, second])) == [0, 1, 2]
    assert order == [(name, index) for index in range(3) for name in ("first", "second")]
    here = [threading.current_thread()]
    assert first.threads | second.threads == set(here)
    assert source.closed_in == first.closed_in == second.closed_in == here


def test_nothing_is_read_ahead():
    given = []

    def source():
        for index in range(3):
            given.append(index)
            yield Item(index)

    results = InlinePipeline(source(), [Through()])
    assert given == []
    next(results)
    assert given == [0]


def test_of_several_workers_the_first_works():
    team = [Through("team"), Through("team")]
    assert indices(InlinePipeline(Numbers(2), [team])) == [0, 1]
    assert [stage.sizes for stage in team] == [[1, 1], []]


def test_a_stage_may_give_fewer_or_more():
    class Doubles(Through):
        def process(self, items):
            for item in items:
                if item.index != 1:
                    yield from (item, item)

    assert indices(InlinePipeline(Numbers(3), [Doubles(), Through("next")])) == [0, 0, 2, 2]


def test_an_error_names_its_stage_and_frame_and_closes_all():
    error = RuntimeError("broken on purpose")
    source, stages = Numbers(5), [Through("fine"), Through("bad", action=failing_at(2, error))]
    results = InlinePipeline(source, stages)
    seen = [next(results).index, next(results).index]
    with pytest.raises(RuntimeError) as raised:
        next(results)
    assert raised.value is error
    assert error.__notes__ == ["in the stage bad, at frame 2"]
    assert seen == [0, 1]
    assert all(len(one.closed_in) == 1 for one in (source, *stages))
    with pytest.raises(StopIteration):
        next(results)


def test_it_may_be_closed_early_twice_and_before_it_began():
    source, stage = Camera(count=2), Through()
    results = InlinePipeline(source, [stage])
    next(results)
    results.close()
    results.close()
    assert source.closed.is_set()
    assert len(stage.closed_in) == 1
    unused = Through()
    InlinePipeline(Numbers(1), [unused]).close()
    assert len(unused.closed_in) == 1


def test_the_observer_hears_of_all_steps():
    metrics = Metrics()
    list(InlinePipeline(Numbers(4), [Through("a"), Through("b")], observer=metrics))
    report = metrics.snapshot()
    assert [stage.name for stage in report.stages] == ["source", "a", "b"]
    assert [(stage.taken, stage.given) for stage in report.stages] == [(0, 4), (4, 4), (4, 4)]


def test_no_item_is_kept_while_the_caller_looks_at_its_result():
    alive = []

    def item(index):
        made = Item(index)
        alive.append(weakref.ref(made))
        return made

    for result in InlinePipeline(map(item, range(3)), [Through()]):
        del result
        assert alive[-1]() is None


def test_what_a_stage_holds_back_comes_at_the_end():
    assert indices(InlinePipeline(Numbers(5), [Holding(3), Through("last")])) == [0, 1, 2, 3, 4]


def test_what_a_stage_holds_back_precedes_an_error():
    error = RuntimeError("broken on purpose")
    results, seen = InlinePipeline(Numbers(5, error), [Holding(3)]), []
    with pytest.raises(RuntimeError) as raised:
        for item in results:
            seen.append(item.index)
    assert raised.value is error
    assert seen == [0, 1, 2, 3, 4]


def test_what_stages_do_afterwards_they_do_when_the_next_result_is_requested():
    done = []
    stages = [
        AfterResults(lambda: done.append("first"), "first"),
        Through("odd ones"),
        AfterResults(lambda: done.append("last"), "last"),
    ]
    stages[1].process = lambda items: [item for item in items if item.index % 2]
    metrics = Metrics()
    results = InlinePipeline(Numbers(5), stages, observer=metrics)
    assert next(results).index == 1
    assert done == ["first"]  # of frame 0, of which the last one never heard
    assert next(results).index == 3
    assert done == ["first", "first", "last", "first"]
    assert next(results, None) is None
    assert done == ["first", "first", "last", "first", "first", "last", "first"]
    assert [metrics.snapshot()[name].taken for name in ("first", "last")] == [5, 2]


def test_an_error_of_what_is_done_afterwards_names_its_stage_and_frame():
    error = RuntimeError("broken on purpose")

    def fail():
        raise error

    results = InlinePipeline(Numbers(5), [AfterResults(fail)])
    assert next(results).index == 0
    with pytest.raises(RuntimeError) as raised:
        next(results)
    assert raised.value is error
    assert error.__notes__ == ["in the stage later after its results, at frame 0"]
