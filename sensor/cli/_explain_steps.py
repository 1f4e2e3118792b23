"""The steps of an explanation: source, decode, watch, and for each flow its beginning, names and meaning."""

from sensor.cli._explain_case import Case, Finding, Step, counted
from sensor.cli._explain_decode import decode_step
from sensor.cli._explain_name import classify_step, name_step
from sensor.cli._explain_packets import time_text
from sensor.cli._explain_watch import watch_step

__all__ = ["Case", "explain_steps"]

MOST_FLOWS = 5
_TCP = 6
_SYN, _ACK = 0x02, 0x10
_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


def explain_steps(case: Case) -> list[Step]:
    """Explain a case from the capture to the meaning of each of its flows."""
    steps = [_source_step(case), decode_step(case), watch_step(case)]
    flow_ids = case.flow_ids
    for number, flow_id in enumerate(flow_ids[:MOST_FLOWS], 1):
        suffix = f" {number} of {len(flow_ids)}" if len(flow_ids) > 1 else ""
        told = (_flow_step(case, flow_id), name_step(case, flow_id), classify_step(case, flow_id))
        steps += [Step(step.title + suffix, step.findings) for step in told]
    if len(flow_ids) > MOST_FLOWS:
        more = Finding(f"{len(flow_ids) - MOST_FLOWS} more flows of the same ends are not told here")
        steps.append(Step("further flows", (more,)))
    return steps


def _source_step(case: Case) -> Step:
    findings = []
    for one in case.inputs:
        trouble = tuple(text for text in (one.warning, one.error) if text)
        findings.append(Finding(f"{one.path}: {one.format}, {counted(one.packets, 'packet')}", None, trouble))
    packets, total = case.traced["packets"], case.traced["packets_counted"]
    if not packets:
        return Step("source", tuple(findings))
    first, last = packets[0], packets[-1]
    findings.append(
        Finding(
            f"first packet of {total:,} of this flow, {time_text(first['time_ns'])} UTC",
            first["number"],
            _from_interface(first["interface"], len(case.inputs)),
        )
    )
    if len(packets) > 1:
        which = "last packet" if total == len(packets) else f"packet {len(packets):,} of it, the last told"
        findings.append(Finding(f"{which}, {time_text(last['time_ns'])} UTC", last["number"]))
        numbers = ", ".join(str(packet["number"]) for packet in packets[:20])
        more = f" and {total - 20:,} more" if total > 20 else ""
        findings.append(Finding(f"its packets: {numbers}{more}"))
    cut = sum(packet["captured"] < packet["original"] for packet in packets)
    if cut:
        findings.append(Finding(f"{cut:,} of its packets were cut by the snap length, and count in full"))
    return Step("source", tuple(findings))


def _from_interface(name: str | None, inputs: int) -> tuple[str, ...]:
    if name is None:
        return ()
    merged = "; numbers are those of all captures merged by time" if inputs > 1 else ""
    return (f"captured on {name}{merged}",)


def _flow_step(case: Case, flow_id: int) -> Step:
    rows = case.rows_of(flow_id)
    row = rows[-1]
    findings = [
        *_initiator(case, flow_id),
        *_answered(case, flow_id),
        Finding(
            f"{row['inside_ip']} is inside, {row['outside_ip']} outside; scope {row['scope']}"
            + (f", within {row['tunnel']}" if row["tunnel"] else "")
        ),
    ]
    for record in rows:
        counts = (
            f"{counted(record['packets_out'], 'packet')} out and {record['packets_in']:,} in, "
            f"{counted(record['bytes_out'], 'byte')} out and {record['bytes_in']:,} in"
        )
        times = f"{record['start_time']} to {record['end_time']}"
        why = _END_REASONS.get(record["end_reason"], record["end_reason"])
        findings.append(Finding(f"record {record['record']}: {counts}", None, (times, f"ended: {why}")))
    return Step("flow", tuple(findings))


_END_REASONS = {
    "active": "active (it covered the active timeout; the flow goes on)",
    "idle": "idle (nothing came for the idle timeout)",
    "fin": "fin (both ends closed it)",
    "rst": "rst (one end reset it)",
    "evicted": "evicted (its place in the table was needed)",
    "end": "end (the input ended, or its block is no longer the same)",
}


def _initiator(case: Case, flow_id: int) -> list[Finding]:
    findings = []
    for fact in case.facts_of(flow_id, "initiator"):
        packet = case.packet(fact["packet"])
        level = packet["levels"][packet["level"]] if packet else None
        sender = "inside" if packet and packet["is_out"] else "outside"
        if level is None:
            why = "its first packet says so"
        elif level["protocol"] != _TCP:
            why = f"the first packet came from {sender}: without a handshake, its sender begins the flow"
        elif level["tcp_flags"] & (_SYN | _ACK) == _SYN:
            why = f"a SYN from {sender}"
        elif level["tcp_flags"] & (_SYN | _ACK) == _SYN | _ACK:
            why = f"a SYN-ACK from {sender}: the SYN was missed, its receiver had sent that"
        else:
            why = f"met in the middle: the first packet has {_flags(level['tcp_flags'])} and no SYN"
        findings.append(Finding(f"begun by: {fact['value']}", fact["packet"], (why,)))
    return findings


def _answered(case: Case, flow_id: int) -> list[Finding]:
    facts = case.facts_of(flow_id, "answered")
    if not facts:
        tcp = case.rows_of(flow_id)[0]["protocol"] == _TCP
        why = "no SYN-ACK and no data came back; an RST is no answer" if tcp else "no packet came back"
        return [Finding("answered: no", None, (why,))]
    packet = case.packet(facts[0]["packet"])
    why = "by then both ends had spoken"
    if packet:
        level = packet["levels"][packet["level"]]
        sender = "inside" if packet["is_out"] else "outside"
        if level["protocol"] == _TCP:
            data = f" with {counted(level['payload_bytes'], 'byte')}" if level["payload_bytes"] else ""
            why = f"{_flags(level['tcp_flags'])}{data} from {sender}"
        else:
            why = f"a packet from {sender}"
    return [Finding("answered: yes", facts[0]["packet"], (why,))]


def _flags(bits: int) -> str:
    return "-".join(word for place, word in enumerate(_FLAGS) if bits >> place & 1) or "no flags"
