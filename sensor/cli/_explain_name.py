"""What a flow was called, by whom, and what that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.cli._explain_case import Case, Finding, Step, listed
from sensor.cli._explain_packets import time_text

if TYPE_CHECKING:
    from sensor._core import DnsAnswer, Fact

_SOURCES = {
    "tls_sni": "server name in a TLS or DTLS client hello",
    "quic_sni": "server name in a QUIC client hello",
    "http_host": "HTTP Host or :authority",
    "dns_query": "question of a DNS message",
    "dns_answer": "DNS answer to the same inside host",
}
_DETAILS = {
    "ja4": "JA4 of the client hello: {}",
    "alpn": "first protocol offered by ALPN: {}",
    "ech": "Encrypted Client Hello offered: the name is the outer one",
    "starttls": "went over to TLS after a beginning in the clear (STARTTLS)",
    "proxy": "what is named was carried through a proxy: {}",
    "user_agent": "user agent: {}",
}
_ASK_FOR_NAMES = {"dns", "mdns", "llmnr"}


def name_step(case: Case, flow_id: int) -> Step:
    """Every name with the packet that gave it, and the DNS answer that was joined."""
    row = case.rows_of(flow_id)[-1]
    names, joined = case.facts_of(flow_id, "name"), case.facts_of(flow_id, "joined")
    findings = [
        *(Finding(f"name {fact['value']}", fact["packet"], _stood_in(fact)) for fact in names),
        *(_joined(case, fact) for fact in joined),
        *(
            Finding(_DETAILS[fact["kind"]].format(fact["value"]), fact["packet"])
            for fact in case.facts_of(flow_id, *_DETAILS)
        ),
    ]
    if row["name"]:
        source = row["name_source"]
        findings.append(
            Finding(f"best name: {row['name']}", None, (f"{source}: {_SOURCES.get(source, source)}",))
        )
    else:
        findings.append(Finding("no name", None, (_why_no_name(case, row),)))
    return Step("name", tuple(findings))


def _stood_in(fact: Fact) -> tuple[str, ...]:
    return tuple(f"{sign}: {_SOURCES.get(sign, sign)}" for sign in fact["signs"])


def _joined(case: Case, fact: Fact) -> Finding:
    """Tell the newest answer before the flow that gave the name."""
    text = f"name {fact['value']}, joined from DNS"
    answers = [
        one
        for one in case.traced["answers"]
        if one["packet"] <= fact["packet"] and fact["value"] == one["qname"]
    ]
    if not answers:
        return Finding(text, fact["packet"], ("the DNS answer is no longer among those kept",))
    return Finding(text, fact["packet"], _answer_text(case, answers[-1]))


def _answer_text(case: Case, answer: DnsAnswer) -> tuple[str, ...]:
    aliases = f" by {' > '.join(answer['cnames'])}" if answer["cnames"] else ""
    slack_s = case.config.naming.answer_slack_s
    asked = f"{answer['transport']}, asked {time_text(answer['time_ns'])} UTC"
    said = f"{answer['server']} answered {answer['qname']}{aliases}: {listed(answer['answers'])}"
    held = f"least TTL {answer['min_ttl']} s, held {slack_s:g} s longer"
    return f"packet {answer['packet']}: {said}", f"{asked}; {held}"


def _why_no_name(case: Case, row: dict[str, Any]) -> str:
    if not case.config.naming.enabled:
        return "naming is off in the settings"
    if row["protocol"] not in {6, 17}:
        return "neither TCP nor UDP, and no DNS answer told of the outside address before it began"
    return "its packets carried none, and no DNS answer told of the outside address before it began"


def classify_step(case: Case, flow_id: int) -> Step:
    """Application, service, category and country, each with where it comes from."""
    row = case.rows_of(flow_id)[-1]
    findings = [*_application(case, flow_id), *_service(case, row), *_country(case, row)]
    return Step("classify", tuple(findings))


def _application(case: Case, flow_id: int) -> list[Finding]:
    facts = case.facts_of(flow_id, "application", "application_likely")
    if not facts:
        return [Finding("no application", None, (_why_no_application(case, flow_id),))]
    fact = facts[0]
    heuristic = fact["kind"] == "application_likely"
    kind = "heuristic: consistent over several packets, nothing specific" if heuristic else "sure"
    signs = tuple(fact["signs"]) or ("the parser of that protocol read it",)
    return [Finding(f"application {fact['value']} ({kind})", fact["packet"], signs)]


def _why_no_application(case: Case, flow_id: int) -> str:
    if not case.config.naming.enabled:
        return "naming is off in the settings"
    if case.rows_of(flow_id)[0]["protocol"] not in {6, 17}:
        return "only TCP and UDP are looked into"
    return "no parser and no matcher recognised what its first packets carried"


def _service(case: Case, row: dict[str, Any]) -> list[Finding]:
    category = row["category"]
    if row["service"]:
        suffix = case.names.catalogue.suffix(row["name"])
        return [
            Finding(
                f"service {row['service']} of {row['organisation']}, category {category}",
                None,
                (f"longest suffix in the catalogue: {suffix}",),
            )
        ]
    findings = [Finding("no service", None, (_why_no_service(case, row),))]
    if category:
        findings.append(Finding(f"category {category}", None, (f"of the application {row['application']}",)))
    return findings


def _why_no_service(case: Case, row: dict[str, Any]) -> str:
    if row["application"] in _ASK_FOR_NAMES:
        return "a flow that asks for names has no service"
    if not row["name"]:
        return "no name, and a service is never guessed from a port"
    suffix = case.names.catalogue.suffix(row["name"])
    if suffix:
        return f"the catalogue excepts {suffix}"
    return f"no suffix of {row['name']} is in the catalogue"


def _country(case: Case, row: dict[str, Any]) -> list[Finding]:
    if row["country"]:
        source = row["country_source"]
        return [Finding(f"country {row['country']} of {row['outside_ip']}", None, (f"source: {source}",))]
    why = "no entry for the address" if case.config.country.enabled else "countries are off in the settings"
    return [Finding(f"no country for {row['outside_ip']}", None, (why,))]
