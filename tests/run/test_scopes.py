from engine.run.scopes import Scopes

A, B, INNER, DEEP = ("a", "T"), ("b", "T"), ("a.0.0.1", "T"), ("a.0.0.1.0.0.1", "T")


def nested() -> Scopes:
    scopes = Scopes()
    scopes.replace(None, {A: "ka", B: "kb"})
    scopes.replace(A, {INNER: "ki"})
    scopes.replace(INNER, {DEEP: "kd"})
    return scopes


def test_steps_of_a_node_that_stays_stay_with_it() -> None:
    assert nested().replace(None, {A: "ka"}) == ({"kb"}, {B})


def test_steps_of_a_node_that_went_go_with_it_however_deep() -> None:
    assert nested().replace(None, {B: "kb"}) == ({"ka", "ki", "kd"}, {A, INNER, DEEP})


def test_key_that_another_step_has_too_is_not_lost() -> None:
    scopes = Scopes()
    scopes.replace(None, {A: "same", B: "same"})
    assert scopes.replace(None, {A: "same"}) == (set(), {B})


def test_expanding_again_drops_what_is_not_put_there_again() -> None:
    scopes = nested()
    assert scopes.replace(A, {INNER: "new"}) == ({"ki"}, set())
    assert scopes.replace(A, {}) == ({"new", "kd"}, {INNER, DEEP})
