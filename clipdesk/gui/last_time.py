"""Where the user was when the window closed: preset and settings, layer, filters and selected neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from clipdesk.gui.panels.editors import DEVICES
from clipdesk.render.settings import RenderSettings

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings

    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.panels.parameters import ParametersPanel
    from clipdesk.gui.worker import OpenedModel

_KEY = "last_time"
_MOST_RUNS = 1000


class _InModel(BaseModel):
    """Where in a model the user was.

    Attributes:
        model: The model's name.
        layer: Dotted name of the layer; empty where none was chosen.
        layer_filter: What was typed to find it.
        neuron_filter: What was typed to find neurons.
        units: The first and last of each run of selected neurons.
    """

    model: str = ""
    layer: str = ""
    layer_filter: str = ""
    neuron_filter: str = ""
    units: list[tuple[int, int]] = []


class _Last(BaseModel):
    """All that is kept.

    Attributes:
        preset: The preset's name; empty for the one that suits the model.
        settings: The settings; None where one of them was invalid.
        place: Where in the model the user was.
    """

    preset: str = ""
    settings: RenderSettings | None = None
    place: _InModel = _InModel()


class LastTime:
    """Keeps where the user was, and goes back there.

    Args:
        store: Where it is kept.
        architecture: Has the layer.
        neurons: Has the selected ones.
        parameters: Has preset and settings.
    """

    def __init__(
        self,
        store: QSettings,
        architecture: ArchitecturePanel,
        neurons: NeuronsPanel,
        parameters: ParametersPanel,
    ) -> None:
        self._store = store
        self._architecture = architecture
        self._neurons = neurons
        self._parameters = parameters
        try:
            self._last = _Last.model_validate_json(str(store.value(_KEY, "{}")))
        except (ValidationError, RecursionError):
            # Another version of ClipDesk may have written it.
            self._last = _Last()

    def keep(self, model: str | None) -> None:
        """Keep where the user is now; with no model open, where in the model the user was before."""
        place = self._last.place if model is None else self._where(model)
        parameters = self._parameters
        settings = None if parameters.problem else parameters.settings()
        last = _Last(preset=parameters.chosen_preset, settings=settings, place=place)
        self._store.setValue(_KEY, last.model_dump_json())

    def _where(self, model: str) -> _InModel:
        layer, runs = self._neurons.model.layer, self._neurons.selected_runs()
        return _InModel(
            model=model,
            layer=layer.name if layer is not None else "",
            layer_filter=self._architecture.filter.text(),
            neuron_filter=self._neurons.filter.text(),
            units=runs if len(runs) <= _MOST_RUNS else [],
        )

    def restore_settings(self) -> None:
        """Show the preset and the settings again."""
        settings = self._last.settings
        if settings is not None and settings.device not in DEVICES:
            # It may be gone; `auto` takes it if it is there.
            settings = settings.model_copy(update={"device": DEVICES[0]})
        self._parameters.restore(self._last.preset, settings)

    def go_back(self, opened: OpenedModel) -> bool:
        """Choose the layer and the neurons again, if it is the same model.

        Returns:
            Whether there was a layer to go back to.
        """
        place = self._last.place
        layers = {node.info.name for node in opened.tree.walk() if node.info.reason is None}
        if place.model != str(opened.name) or place.layer not in layers:
            return False
        self._architecture.filter.setText(place.layer_filter)
        self._architecture.choose(place.layer)
        self._neurons.filter.setText(place.neuron_filter)
        units = self._neurons.model.layer.units if self._neurons.model.layer is not None else 0
        self._neurons.select_units([unit for low, high in place.units for unit in range(low, min(high + 1, units))])
        return True
