import numpy as np
from clip.model import CLIP

from benchmarks.quality.questions import Question, text_questions, unit_questions
from clipdesk.render.targets import Text
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Kind, draw_scenes


def test_every_name_is_asked_once_and_combinations_are_of_all_kinds() -> None:
    asked = text_questions()
    kinds = [question.kind for question in asked]
    assert [kinds.count(kind) for kind in ("shape", "color", "texture", "combination")] == [16, 12, 4, 60]
    assert len({question.target for question in asked}) == len(asked)
    assert asked == text_questions(), "the same each time"
    pairs = [question for question in asked if question.kind == "combination"]
    assert {tuple(question.values) for question in pairs} == {("color", "shape"), ("texture", "shape")}


def test_a_picture_must_show_everything_that_was_asked_for() -> None:
    red_star = Question(Text(text="a red star"), "combination", {"color": 1, "shape": 3})
    seen = np.array([[3, 1, 0, 0], [3, 2, 0, 0], [2, 1, 0, 0]])
    assert red_star.shown(seen).tolist() == [True, False, False]
    assert red_star.chance == 1 / (len(FACTORS["shape"]) * len(FACTORS["color"]))


def test_units_are_chosen_on_some_scenes_and_measured_on_others(demo: CLIP) -> None:
    asked = unit_questions(demo, draw_scenes(400, 3, Kind.SEEN, processes=1), 5)
    assert len(asked) == 5
    assert all(question.kind == "unit" and question.auc > 0.8 for question in asked)
