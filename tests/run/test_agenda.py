import random

from engine.run.agenda import Agenda, Need


def agenda_of(sources: dict[str, list[str]], outputs: str = "", asynchronous: str = "", done: str = "") -> Agenda:
    return Agenda(
        lambda id: Need(sources[id], id in outputs.split(), id in asynchronous.split()), done.split().__contains__
    )


def order(agenda: Agenda) -> list[str]:
    taken: list[str] = []
    while (id := agenda.take()) is not None:
        taken.append(id)
        agenda.finish(id)
    return taken


def test_last_source_is_visited_first() -> None:
    agenda = agenda_of({"end": ["a", "b"], "a": [], "b": []}, outputs="end")
    agenda.add("end")
    assert order(agenda) == ["b", "a", "end"]


def test_output_and_asynchronous_steps_go_before_others() -> None:
    agenda = agenda_of({"plain": [], "slow": [], "out": []}, outputs="out", asynchronous="slow")
    for id in ("plain", "slow", "out"):
        agenda.add(id)
    assert order(agenda) == ["slow", "out", "plain"]


def test_steps_near_an_output_go_before_far_ones() -> None:
    sources = {
        "far": [],
        "x": ["far"],
        "y": ["x"],
        "out": ["y"],
        "mid": [],
        "z": ["mid"],
        "out2": ["z"],
        "near": [],
        "out3": ["near"],
    }
    agenda = agenda_of(sources, outputs="out out2 out3")
    for id in ("out", "out2", "out3"):
        agenda.add(id)
    assert order(agenda)[:3] == ["near", "out3", "mid"]


def test_urgency_reaches_steps_that_were_there_before_the_output() -> None:
    agenda = agenda_of({"lone": [], "first": [], "second": ["first"], "out": ["second"]}, outputs="out")
    for id in ("lone", "second", "out"):
        agenda.add(id)
    assert order(agenda) == ["first", "second", "out", "lone"]


def test_done_sources_are_left_out_with_all_that_feeds_them() -> None:
    agenda = agenda_of({"end": ["made"], "made": ["old"], "old": []}, done="made")
    agenda.add("end")
    assert order(agenda) == ["end"]


def test_done_root_stays_without_its_sources() -> None:
    agenda = agenda_of({"end": ["a"], "a": []}, done="end")
    agenda.add("end")
    assert order(agenda) == ["end"]


def test_step_put_back_waits_for_what_it_requires() -> None:
    agenda = agenda_of({"mix": [], "late": []})
    agenda.add("mix")
    assert agenda.take() == "mix"
    agenda.require("mix", ["late"])
    agenda.put_back("mix")
    assert order(agenda) == ["late", "mix"]


def test_held_step_is_taken_only_after_its_release() -> None:
    agenda = agenda_of({"slow": [], "other": []}, asynchronous="slow")
    agenda.add("slow")
    agenda.add("other")
    assert agenda.take() == "slow"
    agenda.hold("slow")
    assert agenda.take() == "other"
    assert agenda.take() is None
    agenda.release("slow")
    assert agenda.take() == "slow"


def test_circle_leaves_out_what_only_waits_for_it() -> None:
    agenda = agenda_of({"end": ["a"], "a": ["b"], "b": ["a"]})
    agenda.add("end")
    assert agenda.take() is None
    assert agenda.circle() == ["a", "b"]


def test_every_step_comes_once_and_after_its_sources() -> None:
    chance = random.Random(7)
    sources = {str(i): [str(j) for j in {chance.randrange(i) for _ in range(3)}] if i else [] for i in range(300)}
    agenda = agenda_of(sources, outputs="299 150", asynchronous="20 40")
    for id in sources:
        agenda.add(id)
    done: set[str] = set()
    for id in order(agenda):
        assert done.issuperset(sources[id])
        assert id not in done
        done.add(id)
    assert len(done) == 300
