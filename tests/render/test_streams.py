import pytest
import torch

from clipdesk.render.streams import RandomStreams, StepStreams

CPU = torch.device("cpu")
STEPS = 20
"""More than are drawn at once."""


def drawn(*seeds: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal and uniform numbers of some steps, (steps, pictures, ...) each."""
    streams, normal, uniform = StepStreams(seeds, CPU), [], []
    for _ in range(STEPS):
        streams.begin_step()
        uniform.append(streams.uniform(2, 7).clone())
        normal.append(streams.normal(3, 8, 8).clone())
    return torch.stack(normal), torch.stack(uniform)


def test_a_picture_sees_the_same_numbers_alone_and_among_others() -> None:
    for together, alone in zip(drawn(4, 5, 6), drawn(5), strict=True):
        assert torch.equal(together[:, 1], alone[:, 0])


def test_numbers_are_fresh_in_every_step_and_of_their_kind() -> None:
    normal, uniform = drawn(0, 1)
    for numbers in (normal, uniform):
        assert len(numbers.flatten(2).flatten(0, 1).unique(dim=0)) == STEPS * 2
    assert float(normal.std()) == pytest.approx(1, rel=0.03)
    assert -1 <= float(uniform.min()) < -0.95
    assert 0.95 < float(uniform.max()) < 1


def test_every_step_finds_its_numbers_in_the_same_memory_even_if_the_last_one_wrote_there() -> None:
    streams, places = StepStreams([0], CPU), set()
    for _ in range(STEPS):
        streams.begin_step()
        numbers = streams.normal(4)
        places.add(numbers.data_ptr())
        numbers.fill_(0).add_(torch.ones(4, requires_grad=True))
    assert len(places) == 1


def test_rows_of_a_batch_are_those_of_its_seeds() -> None:
    assert torch.equal(RandomStreams([3, 4], CPU).normal(5)[1:], RandomStreams([4], CPU).normal(5))
