# fhir.py - the discharge summary as an HL7 FHIR R4 document Bundle. Runs in: tests/data/make.py.
import json
import uuid

from story import CHILD, DISCHARGE

WHEN = "2026-11-21T17:40:00+00:00"
NHS = "https://fhir.nhs.uk/Id/nhs-number"


def _urn(word):
    return "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, "https://safehand.example/test/" + word))


def _entry(word, resource):
    return {"fullUrl": _urn(word), "resource": resource}


def _coded(system, code, display):
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _observation(word, code, display, value, unit, ucum, when):
    return _entry(
        word,
        {
            "resourceType": "Observation",
            "status": "final",
            "code": _coded("http://loinc.org", code, display),
            "subject": {"reference": _urn("child")},
            "effectiveDateTime": when,
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": ucum},
        },
    )


def _section(title, lines):
    body = "".join(f"<p>{line.replace('&', '&amp;').replace('<', '&lt;')}</p>" for line in lines if line)
    return {"title": title, "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'}}


def _sections():
    out, title, lines = [], None, []
    for line in DISCHARGE.strip().split("\n") + ["## end"]:
        if line.startswith("## "):
            if title:
                out.append(_section(title, lines))
            title, lines = line[3:], []
        else:
            lines.append(line)
    return out


def discharge():
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": NHS, "value": CHILD["nhs"]}],
        "name": [{"use": "official", "family": "Merrow", "given": ["Isla"]}],
        "gender": "female",
        "birthDate": CHILD["born"],
        "communication": [{"language": _coded("urn:ietf:bcp:47", "pl", "Polish"), "preferred": True}],
    }
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER", "display": "emergency"},
        "subject": {"reference": _urn("child")},
        "period": {"start": "2026-11-21T13:05:00+00:00", "end": WHEN},
        "serviceProvider": {"reference": _urn("hospital")},
    }
    condition = {
        "resourceType": "Condition",
        "code": _coded("http://snomed.info/sct", "66308002", "Fracture of humerus"),
        "verificationStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed"),
        "subject": {"reference": _urn("child")},
        "note": [{"text": "Cause inconclusive: inflicted injury cannot be excluded."}],
    }
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": _coded("http://loinc.org", "18842-5", "Discharge summary"),
        "subject": {"reference": _urn("child")},
        "encounter": {"reference": _urn("encounter")},
        "date": WHEN,
        "author": [{"reference": _urn("doctor")}],
        "title": "Emergency department: discharge summary",
        "custodian": {"reference": _urn("hospital")},
        "section": _sections(),
    }
    bundle = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": _urn("discharge")},
        "type": "document",
        "timestamp": WHEN,
        "entry": [
            _entry("composition", composition),
            _entry("child", patient),
            _entry("doctor", {"resourceType": "Practitioner", "name": [{"family": "Patel", "given": ["J."], "prefix": ["Dr"]}]}),
            _entry("hospital", {"resourceType": "Organization", "name": "University Hospitals Coventry and Warwickshire"}),
            _entry("encounter", encounter),
            _entry("fracture", condition),
            _observation("height", "8302-2", "Body height", 101.5, "cm", "cm", "2026-11-21T13:40:00+00:00"),
            _observation("weight", "29463-7", "Body weight", 13.2, "kg", "kg", "2026-11-21T13:41:00+00:00"),
            _observation("weight-before", "29463-7", "Body weight", 14.1, "kg", "kg", "2026-06-09T10:00:00+01:00"),
        ],
    }
    return json.dumps(bundle, indent=1, ensure_ascii=False).encode() + b"\n"
