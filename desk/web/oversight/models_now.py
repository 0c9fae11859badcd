"""The risk models as they stand: who leads, how well, on outcomes that have become certain; promotion, roll-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk import model_acts
from desk.model_acts import Task
from desk.model_figures import ModelNow
from desk.web.components.acts import ask_reason
from desk.web.components.basics import Segments, Tile, badge, button, card, empty, plain_table
from desk.web.components.charts import Chart
from desk.web.components.section import Section
from desk.web.frame import Frame
from models.default_risk.quality import gini

_PSI_NOTABLE = 0.1
"""A usual first threshold of the population stability index; the policy's own makes a drift event."""
_FEWEST_BAD = 5
"""Bad outcomes of the month before their rank says anything."""


class ModelsNow:
    """One task at a time, a partition beside the other."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._task: Task = "A"
        self._models: list[ModelNow] = []
        t = frame.t
        with ui.element("div").classes("bar-row span-12"):
            Segments([("A", t("task_a")), ("B", t("task_b"))], "A", self._choose)
            ui.label(t("month_note")).classes("muted")
        self._auc, self._ks = Tile(t("auc"), about=t("auc_about")), Tile(t("ks"), about=t("ks_about"))
        self._loss = Tile(t("log_loss"), about=t("log_loss_about"))
        self._calibrated = Tile(t("calibrated"), about=t("calibrated_about"))
        self._psi = Tile(t("psi"), about=t("psi_about"))
        self._outcomes = Tile(t("outcomes"))
        with card(t("calibration"), t("calibration_note"), span=5):
            self._chart = Chart(frame, t("calibration_about"), 250)
        with card(t("champions"), span=7, flush=True):
            self._champions = Section("scroll")
            self._acts = Section("form-row pad")  # apart from the table, which changes with each outcome
        self._shown: object = None

    async def _choose(self, task: str) -> None:
        self._task = "A" if task == "A" else "B"
        self._shown = None
        self.show(self._models)

    def show(self, models: list[ModelNow]) -> None:
        """All models of all partitions."""
        self._models = models
        mine = [model for model in models if model.task == self._task]
        if mine == self._shown:
            return
        self._shown = mine
        self._tiles(mine)
        self._chart.show(self._calibration(mine))
        self._champions.show([_standing(model) for model in mine], lambda: self._table(mine))
        if self._frame.may(model_acts.DECIDES):
            names = sorted({challenger.name for model in mine for challenger in model.challengers})
            kept = list(dict.fromkeys(point.name for model in mine for point in model.checkpoints))
            self._acts.show((self._task, names, kept), lambda: self._choices(names, kept))

    def _tiles(self, mine: list[ModelNow]) -> None:
        f, t = self._frame.f, self._frame.t
        outcomes = sum(model.month_outcomes for model in mine)
        enough = sum(model.month_bad for model in mine) >= _FEWEST_BAD
        auc, ks = (_mean(mine, name) if enough else None for name in ("auc", "ks"))
        if auc is None:
            self._auc.show(f.number(None), t("too_few"))
        else:
            ranked = t("gini", gini=f.number(gini(auc), 3), range=self._range(mine, "auc", 2))
            self._auc.show(f.number(auc, 3), ranked)
        self._ks.show(f.number(ks, 3), t("per_partition", range=self._range(mine, "ks", 2)) if enough else t("too_few"))
        loss, naive = _mean(mine, "log_loss"), _mean(mine, "naive_log_loss")
        gain = None if loss is None or naive is None else naive - loss
        self._loss.show(f.number(loss, 3), t("against_naive", gain=f.number(gain, 3, signed=True)))
        foretold = _mean(mine, "mean_probability")
        bad = sum(model.month_bad for model in mine)
        self._calibrated.show(
            f.percent(foretold, 1), t("happened", rate=f.percent(bad / outcomes if outcomes else None, 1))
        )
        psi = max((model.psi for model in mine if model.psi is not None), default=None)
        known = t("shift_seen") if psi is not None and psi > _PSI_NOTABLE else t("no_shift")
        self._psi.show(f.number(psi, 3), known if psi is not None else t("too_early"))
        self._outcomes.show(f.number(outcomes), t("of_all", count=f.number(sum(model.outcomes for model in mine))))

    def _range(self, mine: list[ModelNow], name: str, decimals: int) -> str:
        values = [value for model in mine if (value := getattr(model, name)) is not None]
        f = self._frame.f
        return f"{f.number(min(values), decimals)} … {f.number(max(values), decimals)}" if values else "–"

    def _calibration(self, mine: list[ModelNow]) -> dict[str, Any]:
        """Foretold against what happened, per bin over all partitions; the size is how many."""
        frame, p = self._frame, self._frame.palette
        sums: dict[tuple[float, float], list[float]] = {}
        for model in mine:
            for part in model.calibration:
                known = sums.setdefault((part.low, part.high), [0, 0, 0.0])
                known[0] += part.outcomes
                known[1] += part.bad
                known[2] += part.mean_probability * part.outcomes
        points = [
            {
                "value": [foretold / count, bad / count],
                "symbolSize": min(34, 6 + count**0.5),
                "name": f"{frame.f.percent(low, 1)} – {frame.f.percent(high, 1)}\n"
                + frame.t("bin", rate=frame.f.percent(bad / count, 1), count=frame.f.number(count)),
            }
            for (low, high), (count, bad, foretold) in sorted(sums.items())
        ]
        axis = {"type": "value", "min": 0, "max": 1, "nameLocation": "middle", "nameTextStyle": {"color": p.muted}}
        return {
            "legend": {"show": False},
            "grid": {"top": 12, "left": 30, "bottom": 24},
            "tooltip": {"trigger": "item", "formatter": "{b}"},
            "xAxis": axis | {"name": frame.t("foretold"), "nameGap": 24},
            "yAxis": axis | {"name": frame.t("observed"), "nameGap": 34},
            "series": [
                {"type": "scatter", "data": points, "itemStyle": {"color": p.accent, "opacity": 0.7},
                 "markLine": {"symbol": "none", "silent": True, "lineStyle": {"color": p.muted, "type": "dashed"},
                              "label": {"show": False}, "data": [[{"coord": [0, 0]}, {"coord": [1, 1]}]]}},
            ],
        }  # fmt: skip

    def _table(self, mine: list[ModelNow]) -> None:
        t = self._frame.t
        if not mine:
            empty(t("no_models"), "hourglass_empty")
            return
        head = [(t("partition"), True), (t("champion"), False), (t("challengers"), False), (t("checkpoints"), False)]
        plain_table(head, [self._row(model) for model in mine])

    def _choices(self, names: Sequence[str], kept: Sequence[str]) -> None:
        if names:
            self._act(self._frame.t("promote"), names, self._promote, "upgrade")
        if kept:
            self._act(self._frame.t("restore"), kept, self._restore, "settings_backup_restore")

    def _act(self, title: str, names: Sequence[str], ask: Any, icon: str) -> None:
        choice = ui.select(list(names), value=names[0]).props("outlined dense").classes("w-select")
        choice._props["aria-label"] = title

        async def opened() -> None:
            await ask(str(choice.value))

        button(title, opened, icon=icon)

    def _row(self, model: ModelNow) -> Sequence[Any]:
        f, t = self._frame.f, self._frame.t

        def champion() -> None:
            ui.label(self._name(model.champion)).classes("strong")
            if not model.trusted:
                badge(t("silent"), "volume_off", "warn")
            if model.since is not None:
                ui.label(t("leads_since", day=f.day(model.since))).classes("muted small")

        def challengers() -> None:
            if not model.challengers:
                ui.label("–").classes("muted")
            for each in model.challengers:
                with ui.element("div").classes("bar-row"):
                    ui.label(self._name(each.name))
                    gain = f.number(each.mean_gain, 4, signed=True)
                    look = "good-text" if each.mean_gain > 0 else "muted"
                    ui.label(t("gain", gain=gain, outcomes=f.number(each.outcomes))).classes(f"small {look}")

        kept = ", ".join(point.name for point in model.checkpoints[:4]) or "–"
        return [f.number(model.partition), champion, challengers, kept]

    def _name(self, name: str) -> str:
        return self._frame.t("base_model") if name == "base" else name

    async def _promote(self, name: str) -> None:
        async def act(reason: str) -> None:
            who = self._frame.acting(model_acts.DECIDES)
            await model_acts.promote(self._frame.services, who, self._task, name, reason)

        await self._decide(self._frame.t("promote_title", model=name), act)

    async def _restore(self, name: str) -> None:
        async def act(reason: str) -> None:
            who = self._frame.acting(model_acts.DECIDES)
            await model_acts.restore(self._frame.services, who, self._task, name, reason)

        await self._decide(self._frame.t("restore_title", checkpoint=name), act)

    async def _decide(self, title: str, act: Any) -> None:
        def about() -> None:
            ui.label(self._frame.t("whole_book")).classes("muted")

        await ask_reason(self._frame, title, act, about=about, danger=True, done=self._frame.t("sent"))


def _standing(model: ModelNow) -> tuple[object, ...]:
    """What the table shows of a model."""
    return model.champion, model.since, model.trusted, model.challengers, model.checkpoints


def _mean(models: Sequence[ModelNow], name: str) -> float | None:
    """Of the partitions, weighed by their outcomes of the month."""
    known = [(value, model.month_outcomes) for model in models if (value := getattr(model, name)) is not None]
    total = sum(count for _, count in known)
    return sum(value * count for value, count in known) / total if total else None
