"""Numbers, money, dates and ages as each language writes them; what is not known is a dash."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_decimal, format_decimal, format_percent

from alerts.texts import Language

DASH = "–"
_LOCALES: dict[Language, Locale] = {"en": Locale("en", "GB"), "zh": Locale("zh")}
Number = Decimal | int | float


class Formats:
    """How one language writes values. Arguments that are None (or NaN) are written as ``DASH``."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._locale = _LOCALES[language]

    def number(self, value: Number | None, decimals: int = 0, *, signed: bool = False) -> str:
        """``12,345`` with as many decimals."""
        if value is None or value != value:
            return DASH
        text = format_decimal(value, format="#,##0" + ("." + "0" * decimals if decimals else ""), locale=self._locale)
        text = text.replace("-", "−")
        return f"+{text}" if signed and value > 0 else text

    def percent(self, share: Number | None, decimals: int = 0) -> str:
        """A share of one as ``12 %`` or ``12%``, as the language has it."""
        if share is None or share != share:
            return DASH
        return format_percent(
            share, format="#,##0" + ("." + "0" * decimals if decimals else "") + "%", locale=self._locale
        )

    def money(self, amount: Decimal | str | float | None, currency: str = "") -> str:
        """``12,345 EUR``: whole units; cents are shown below one thousand only."""
        if amount is None:
            return DASH
        value = Decimal(str(amount))
        text = self.number(value, 0 if abs(value) >= 1000 or value == value.to_integral_value() else 2)
        return f"{text} {currency}".rstrip()

    def short_money(self, amount: Decimal | str | float | None, currency: str = "") -> str:
        """``1.2M EUR``, or ``120万 EUR``: for tiles and axes."""
        if amount is None:
            return DASH
        value = Decimal(str(amount))
        if abs(value) < 10_000:
            return self.money(value, currency)
        text = format_compact_decimal(value, locale=self._locale, fraction_digits=1).replace("-", "−")
        return f"{text} {currency}".rstrip()

    def day(self, value: date | str | None) -> str:
        """A day with its year."""
        if value is None:
            return DASH
        if isinstance(value, str):
            value = date.fromisoformat(value[:10])
        return format_date(value, format="d MMM y" if self.language == "en" else "y年M月d日", locale=self._locale)

    def short_day(self, value: date | str | None) -> str:
        """A day without its year, for axes."""
        if value is None:
            return DASH
        if isinstance(value, str):
            value = date.fromisoformat(value[:10])
        return format_date(value, format="d MMM" if self.language == "en" else "M月d日", locale=self._locale)

    def time(self, value: datetime | str | None, *, seconds: bool = False) -> str:
        """A moment in UTC."""
        if value is None:
            return DASH
        moment = parse_time(value)
        shape = ("d MMM y HH:mm" if self.language == "en" else "y年M月d日 HH:mm") + (":ss" if seconds else "")
        return format_datetime(moment, format=shape, tzinfo=UTC, locale=self._locale)

    def clock(self, value: datetime | str | None) -> str:
        """A moment of a running day: day, hour, minute."""
        if value is None:
            return DASH
        shape = "d MMM HH:mm" if self.language == "en" else "M月d日 HH:mm"
        return format_datetime(parse_time(value), format=shape, tzinfo=UTC, locale=self._locale)

    def age(self, span: timedelta | None) -> str:
        """How long: the two largest units."""
        if span is None:
            return DASH
        seconds = max(0, int(span.total_seconds()))
        days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
        units = ("d", "h", "min", "s") if self.language == "en" else ("天", "小时", "分", "秒")
        if days:
            return f"{days} {units[0]}" + (f" {hours} {units[1]}" if hours and days < 10 else "")
        if hours:
            return f"{hours} {units[1]}" + (f" {minutes} {units[2]}" if minutes else "")
        return f"{minutes} {units[2]}" if minutes else f"{seconds} {units[3]}"

    def days(self, count: Number | None, decimals: int = 0) -> str:
        """A number of days."""
        if count is None or count != count:
            return DASH
        return f"{self.number(count, decimals)} {'d' if self.language == 'en' else '天'}"


def parse_time(value: datetime | str) -> datetime:
    """A moment as the archive writes it (ISO 8601, Z)."""
    moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
