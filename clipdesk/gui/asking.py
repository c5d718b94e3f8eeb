"""Asking: turns the selected neurons and the parameters into jobs, and says beforehand what they will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.errors import ClipDeskError
from clipdesk.gui.problems import Problem
from clipdesk.jobs.job import Job

if TYPE_CHECKING:
    from clipdesk.export.recipe import Recipe
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.estimates import Estimates
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.panels.parameters import ParametersPanel
    from clipdesk.gui.runs import Run
    from clipdesk.gui.session import Session
    from clipdesk.gui.watching import Watching
    from clipdesk.render.targets import Target


class Asking(QObject):
    """Submits jobs for the open model.

    Args:
        session: Knows the open model.
        controller: Takes the jobs.
        watching: Shows the run of a job that is to be watched.
        neurons: Where targets are selected.
        parameters: Where the settings come from.
        estimates: Know what a render takes.
    """

    def __init__(
        self,
        session: Session,
        controller: RenderController,
        watching: Watching,
        neurons: NeuronsPanel,
        parameters: ParametersPanel,
        estimates: Estimates,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._controller = controller
        self._watching = watching
        self._neurons = neurons
        self._parameters = parameters
        self._estimates = estimates
        neurons.render_asked.connect(self.render)
        neurons.batch_asked.connect(self.add_batch)
        controller.queue.targets_dropped.connect(self.add_batch)
        estimates.changed.connect(self._estimate)
        session.settled.connect(self._estimate)
        session.changed.connect(self._offer)

    @Slot(object)
    def render(self, targets: tuple[Target, ...]) -> None:
        """Render at once with the parameters that are shown, before what waits in the queue, and watch it."""
        run = self._submit(targets, urgent=True)
        if run is not None:
            self._watching.expect(run)

    def render_beside(self, targets: tuple[Target, ...]) -> None:
        """Render at once with the parameters that are shown, and leave what the window shows as it is."""
        if self._submit(targets, urgent=True) is not None:
            self._session.say(f"Rendering {targets[0].label}")

    @Slot(object)
    def add_batch(self, targets: tuple[Target, ...]) -> None:
        """Queue a job; it is shown when it runs only if the user has not chosen anything to look at."""
        if self._submit(targets, urgent=False) is not None:
            count = len(targets)
            self._session.say(f"Added {count} picture{'s' if count > 1 else ''} to the queue")

    @Slot()
    def add_selected(self) -> None:
        """Queue the selected neurons."""
        self.add_batch(self._neurons.selected())

    @Slot(object)
    def render_again(self, recipe: Recipe) -> None:
        """Make a picture again, from its recipe, and watch it."""
        try:
            job = Job.from_recipe(recipe)
        except ClipDeskError as error:
            self._session.complain(Problem(str(error)))
            return
        self._watching.expect(self._controller.submit(job, urgent=True))

    def _submit(self, targets: tuple[Target, ...], *, urgent: bool) -> Run | None:
        model = self._session.model
        if not targets or model is None:
            return None
        try:
            settings = self._parameters.settings()
        except ClipDeskError as error:
            self._session.complain(Problem(str(error)))
            return None
        # Its parts were validated when they were made: to validate 100,000 targets again stalls the window.
        job = Job.model_construct(model=model.name, weights=model.weights, targets=tuple(targets), settings=settings)
        return self._controller.submit(job, urgent=urgent)

    # What can be asked for

    def is_ready(self) -> bool:
        """Whether pictures can be asked for: a model is open, and the parameters are valid."""
        return self._session.model is not None and not self._parameters.problem

    def can_render(self) -> bool:
        """Whether neurons are selected that can be rendered: a model is open, and the parameters are valid."""
        return self.is_ready() and self._neurons.selected_count() > 0

    @Slot()
    def _offer(self) -> None:
        self._neurons.offer(self.is_ready())

    @Slot()
    def _estimate(self) -> None:
        """Show what the selected neurons will take, or what is wrong with the parameters."""
        layer = self._neurons.model.layer
        text = self._parameters.problem
        if not text and self._session.model is not None:
            count = self._neurons.selected_count()
            text = self._estimates.text(count, layer.name if layer else None, self._parameters.settings())
        self._parameters.estimate.setText(text)
