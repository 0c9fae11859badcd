"""Turn a financial statement into named ratios: what the account keeps and the statement model scores."""

from __future__ import annotations

from decimal import Decimal

from schemas.assessments import FinancialStatementFiled

_COVER_AT_MOST = 10.0
"""What is covered more than tenfold is covered: ratios to a small or missing debt stay finite and continuous."""
_INTEREST_COVER_AT_MOST = 100.0


def ratios(statement: FinancialStatementFiled) -> dict[str, float]:
    """The statement's ratios by name, flows brought to a year; one whose figures are not known is absent.

    Liquidity: ``current_ratio``, ``quick_ratio``; leverage: ``liabilities_to_assets``; coverage:
    ``interest_cover``; profitability: ``ebit_margin``, ``return_on_assets``; cash flow: ``cash_flow_cover``; all
    together: ``altman_z``. Definitions are the textbook's (e.g. White, Sondhi, Fried, The Analysis and Use of
    Financial Statements); each function names its own.
    """
    found = {
        "current_ratio": current_ratio(statement),
        "quick_ratio": quick_ratio(statement),
        "liabilities_to_assets": liabilities_to_assets(statement),
        "interest_cover": interest_cover(statement),
        "ebit_margin": ebit_margin(statement),
        "return_on_assets": return_on_assets(statement),
        "cash_flow_cover": cash_flow_cover(statement),
        "altman_z": altman_z(statement),
    }
    return {name: value for name, value in found.items() if value is not None}


def current_ratio(statement: FinancialStatementFiled) -> float:
    """Current assets / current liabilities, at most 10."""
    return _cover(statement.current_assets, statement.current_liabilities)


def quick_ratio(statement: FinancialStatementFiled) -> float | None:
    """(Current assets - inventory) / current liabilities, at most 10; None when the inventory is not known."""
    if statement.inventory is None:
        return None
    return _cover(statement.current_assets - statement.inventory, statement.current_liabilities)


def liabilities_to_assets(statement: FinancialStatementFiled) -> float:
    """Total liabilities / total assets; above 1 the equity is gone.

    Debt / equity says the same of a sound firm, and nonsense of one whose equity is negative.
    """
    return float(statement.total_liabilities / statement.total_assets)


def interest_cover(statement: FinancialStatementFiled) -> float | None:
    """EBIT / interest expense, within -100 and 100; None when the interest is not known.

    Without any interest it is the limit: 100, or -100 for a loss.
    """
    if statement.interest_expense is None:
        return None
    return _cover(statement.ebit, statement.interest_expense, _INTEREST_COVER_AT_MOST)


def ebit_margin(statement: FinancialStatementFiled) -> float | None:
    """EBIT / sales; None without sales."""
    return float(statement.ebit / statement.sales) if statement.sales > 0 else None


def return_on_assets(statement: FinancialStatementFiled) -> float | None:
    """Net income of a year / total assets at its end; None when the net income is not known."""
    if statement.net_income is None:
        return None
    return _yearly(statement.net_income, statement) / float(statement.total_assets)


def cash_flow_cover(statement: FinancialStatementFiled) -> float | None:
    """Operating cash flow of a year / current liabilities, within -10 and 10; None when the flow is not known."""
    if statement.operating_cash_flow is None:
        return None
    yearly = statement.operating_cash_flow * 12 / statement.period_months
    return _cover(yearly, statement.current_liabilities)


def altman_z(statement: FinancialStatementFiled) -> float:
    """Altman Z' for private firms (Altman 1983), with sales and EBIT brought to a year:

    0.717 WC/TA + 0.847 RE/TA + 3.107 EBIT/TA + 0.420 BVE/TL + 0.998 Sales/TA;
    safe above 2.9, grey 1.23 to 2.9, distress below. Without liabilities BVE/TL counts as 10.
    """
    assets = float(statement.total_assets)
    working_capital = float(statement.current_assets - statement.current_liabilities)
    liabilities = float(statement.total_liabilities)
    equity_cover = min(_COVER_AT_MOST, float(statement.equity) / liabilities) if liabilities > 0 else _COVER_AT_MOST
    return (
        0.717 * working_capital / assets
        + 0.847 * float(statement.retained_earnings) / assets
        + 3.107 * _yearly(statement.ebit, statement) / assets
        + 0.420 * equity_cover
        + 0.998 * _yearly(statement.sales, statement) / assets
    )


def _yearly(flow: Decimal, statement: FinancialStatementFiled) -> float:
    return float(flow) * (12.0 / statement.period_months)


def _cover(means: Decimal, debt: Decimal, at_most: float = _COVER_AT_MOST) -> float:
    """Means / debt, held within ``at_most`` on both sides; what it tends to where there is no debt."""
    if debt <= 0:
        return at_most if means >= 0 else -at_most
    return max(-at_most, min(at_most, float(means / debt)))
