"""The words of the screens themselves, in English and Simplified Chinese; texts of codes are in alerts/messages."""

from __future__ import annotations

from alerts.texts import Language

_LABELS: dict[str, tuple[str, str]] = {
    "title": ("creditpulse, live", "creditpulse 实时监控"),
    "book_time": ("book time", "账面时间"),
    "desk": ("risk desk", "风险工作台"),
    "parts": (
        "creditpulse demo: starting broker, archive, gate, engine and dispatcher; data and logs in",
        "creditpulse 演示：正在启动消息代理、归档、入口、引擎与分发；数据与日志在",
    ),
    "desk_soon": ("risk desk, in a few seconds", "风险工作台，稍候即可打开"),
    "join": ("other commands work on this demo after", "执行下列命令后，其他命令即作用于本演示"),
    "leave": ("Ctrl-C leaves", "按 Ctrl-C 退出"),
    "published": ("events published", "已发布事件"),
    "applied": ("applied", "已处理"),
    "per_second": ("/s", "/秒"),
    "lag": ("lag", "待处理"),
    "latency": ("event to alert", "事件到预警"),
    "dead_letters": ("dead letters", "拒收记录"),
    "customers": ("customers by level", "各等级客户数"),
    "change": ("7 days", "7 天"),
    "alerts": ("latest alerts", "最新预警"),
    "orders": ("orders held, released, rejected", "暂扣、放行与拒绝的订单"),
    "no_alerts": (
        "none yet: a customer needs some paid invoices before a level can be trusted",
        "暂无：客户需先有若干已付发票，等级才可信",
    ),
    "no_orders": ("none yet", "暂无"),
    "starting": ("starting, a few seconds", "正在启动，请稍候"),
    "history": ("loading the past", "正在载入历史"),
    "live": ("live", "实时"),
    "finishing": ("all published, finishing", "已全部发布，正在收尾"),
    "done": ("all done", "已全部完成"),
    "stopping": ("stopping", "正在停止"),
    "finished": ("finished", "已结束"),
    "stopped": ("stopped", "已停止"),
    "totals": (
        "{events_in:,} events published, {events_applied:,} applied, {dead_letters:,} refused, {alerts:,} alerts, "
        "{decisions:,} decisions in all",
        "共发布事件 {events_in:,} 个，已处理 {events_applied:,} 个，拒收 {dead_letters:,} 个，预警 {alerts:,} 条，"
        "决定 {decisions:,} 项",
    ),
    "by_level": ("customers", "客户"),
    "none_yet": ("none yet", "暂无"),
    "order_decisions": ("order decisions", "订单决定"),
    "rate": (
        "{rate:,.0f} events/s from the first publication to the last commit",
        "从首次发布到最后提交：每秒 {rate:,.0f} 个事件",
    ),
    "logs": ("logs", "日志"),
    "data": ("data", "数据"),
    "look_at": ("look at a customer", "查看客户"),
    "score": ("score", "评分"),
    "since": ("since", "自"),
    "exposure": ("exposure", "敞口"),
    "limit": ("limit", "额度"),
    "no_limit": ("no limit set", "未设额度"),
    "overdue": ("overdue", "逾期"),
    "disputed": ("disputed", "有争议"),
    "days_past_due": ("days past due", "逾期天数"),
    "deposit": ("deposit", "预付比例"),
    "reasons": ("reasons", "原因"),
    "holds_level": ("holds the level down", "压低等级的事实"),
    "opinions": ("also known", "其他信息"),
    "risk": ("risk", "风险"),
    "way_back": ("way back", "恢复途径"),
    "timeline": ("timeline", "时间线"),
    "provisional": ("provisional: little evidence yet", "暂定：依据尚少"),
    "level": ("level", "等级"),
    "measures": ("measures", "措施"),
    "currency": ("currency", "币种"),
    "open_orders": ("open orders", "未开票订单"),
    "open_invoices": ("open invoices", "未付发票"),
    "unapplied_cash": ("unapplied cash", "未核销款项"),
    "headroom": ("headroom", "可用额度"),
    "utilisation": ("limit in use", "额度使用率"),
    "nothing_open": ("nothing open, no limit set", "无未清项，未设额度"),
}


def label(name: str, language: Language) -> str:
    """A word of the screen; raises KeyError for an unknown name."""
    return _LABELS[name][0 if language == "en" else 1]
