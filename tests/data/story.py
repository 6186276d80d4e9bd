# story.py - the words of the test documents. Every person, number and event here is invented; NHS numbers are of
# the 999 range, which is never given to a patient, with a right check digit. Runs in: tests/data/make.py.


def nhs_number(nine):
    """The ten digits: modulus 11, weights 10 to 2."""
    check = (11 - sum(int(d) * w for d, w in zip(nine, range(10, 1, -1))) % 11) % 11
    assert check != 10
    return nine + str(check)


CHILD = {"name": "Isla Merrow", "born": "2021-03-14", "nhs": nhs_number("999026041"), "local": "CSC-88-4471"}
SIBLING = {"name": "Tam Merrow", "born": "2024-08-02", "nhs": nhs_number("999026042"), "local": "CSC-88-4472"}
HOUSEHOLD = "CV-HH-20417"
LETTER = {"person": "invented", "date": "20261121"}


def spaced(nhs):
    return f"{nhs[:3]} {nhs[3:6]} {nhs[6:]}"


DISCHARGE = f"""
# Emergency department: discharge summary
University Hospitals Coventry and Warwickshire (an invented record for software tests)

Patient: {CHILD['name']}    Born: {CHILD['born']}    NHS number: {spaced(CHILD['nhs'])}
Attended: 21 November 2026 at 13:05    Discharged: 21 November 2026 at 17:40
Brought by: mother, by taxi. Interpreter: Polish, by telephone, interpreter reference T-5521.
School: St John's Primary, reception class. Designated safeguarding lead informed: no.

## Presenting complaint
Not using the left arm since the evening before. Mother reports a fall from a low sofa at about 18:00 on
20 November, not seen by her; mother's partner was in the room. Presented nineteen hours after the event.

## Examination
Alert, quiet, watchful. Height 101.5 cm (25th centile), weight 13.2 kg (below the 2nd centile); at the last
health visitor contact on 9 June 2026: 100.0 cm, 14.1 kg. Weight has fallen in five months.
Swelling of the left upper arm. Three bruises on the outer left arm and one behind the left ear; see the body map
of today, points 1 to 4. No injury to the eyes. Teeth: two untreated cavities.

## Findings
Left humerus: spiral fracture of the middle third, undisplaced. Radiologist's opinion: mechanism as described
does not readily explain the pattern.
Skeletal survey: not performed today; booked for 23 November at 09:00.

## Medical opinion
Suspected inflicted injury cannot be excluded. Opinion: INCONCLUSIVE. The injury is not stated here as accidental.

## Decisions
- Cuff and collar; paracetamol by weight.
- Referral to children's services by telephone at 15:20 (spoke to duty worker A. Khan), and by this letter.
- Discharged to the maternal grandmother with the agreement of children's services. Reason: a safe adult was there;
  admission offered and declined. Dissent: Sister M. Oduya would have admitted; recorded at her request.

## What others are asked to do
1. Children's services: strategy meeting within one working day. Answer wanted by 23 November.
2. Health visitor: weigh on 24 November and tell this department.

Signed: Dr J. Patel, consultant in emergency medicine
"""

MINUTES = f"""
# Strategy meeting: minutes
Coventry children's services, multi-agency safeguarding hub (an invented record for software tests)

Child: {CHILD['name']}, born {CHILD['born']}, NHS number {spaced(CHILD['nhs'])}, case {CHILD['local']}
Also in the household {HOUSEHOLD}: {SIBLING['name']}, born {SIBLING['born']}, NHS number {spaced(SIBLING['nhs'])}
Held: 22 November 2026, 14:30 to 15:25, by video. Chair: A. Khan, team manager. Minutes typed the same day.
Language of the family: Polish. An interpreter is booked for every contact with the mother; the partner must not interpret.

## Present
A. Khan (chair, children's services); R. Lee (social worker); Dr J. Patel (emergency department);
DC D. Green (public protection unit); M. Brown (designated safeguarding lead, St John's Primary).
## Apologies
Health visitor S. Okafor (on leave; deputy not reached). Action 4 follows from this.

## What was known
- Hospital: spiral fracture of the left humerus, four bruises, late presentation, falling weight. Opinion inconclusive.
- Police: two domestic-incident notices for the address, 3 October and 15 November 2026; the second reached nobody
  at the school. No further action after the first: complaint withdrawn.
- School: seventeen absences this term, three on Mondays after reported incidents. Takes food from other children.
- Children's services: one referral in 2025 from a neighbour, closed after a telephone call.

## Opinion
The meeting does not treat the fall as established. The medical opinion stays INCONCLUSIVE on every document of
this case until two named persons sign that it is discounted.

## Decisions, with reasons
1. Section 47 enquiry to begin today, jointly with police. Reason: unexplained fracture, late presentation, weight.
2. Isla stays with the maternal grandmother for now, with a written agreement. Reason: the partner's account changed.
3. Both children are examined by a consultant paediatrician within 24 hours. Reason: no examination of Tam so far.
Dissent: DC Green asked that decision 2 be made an order and not an agreement. The chair recorded and did not follow it.

## Actions
1. uhcw/paediatrics: examine both children, skeletal survey of Isla; report. Due 24 November 2026.
2. wmp/ppu: interview of the partner, safeguarding flag on the address. Due 23 November 2026.
3. schools/st-j.dsl: chronology of absences and observations. Due 25 November 2026.
4. csc/mash: reach the health visitor's deputy in person. Due 23 November 2026.

These minutes go to everyone present and to everyone who sent apologies. Review meeting: 27 November 2026, 10:00.
Signed by A. Khan and R. Lee.
"""

MARAC = f"""
# MARAC: notes of case 14
Multi-agency risk assessment conference, Coventry (an invented record for software tests)
Held: 19 November 2026. Chair: S. Hall, detective inspector. Notes by D. Green.
## People
Victim: K. Merrow, born 1996-01-30. Named perpetrator: an adult known as "R. Vance". Children: {CHILD['name']} and {SIBLING['name']}.
Not to be told of this conference: the perpetrator and his employer. One member's office is excluded for that reason.
## Risk
DASH score 15. Escalation within six weeks: threats, phone taken, strangulation reported once and withdrawn.
Incidents: 3 October 2026 (police called by a neighbour), 15 November 2026 (police called by the victim).
## Information shared
- Police: two incidents, both children present at the second.
- School: tired, hungry, frightened of Mondays.
- Health: mother missed two appointments; the partner answered her phone.
## Decisions, with reasons
- Independent adviser to meet the victim at the school, not at home. Reason: the partner is at home by day.
- Marker on the address; response grade 1.
- Children's services told the same day and in writing. Reason: an earlier set of notes was not passed on.
## Actions
1. csc/mash: consider a strategy meeting for both children. Due 23 November 2026.
2. uhcw/emergency: flag the mother's and the children's records. Due 20 November 2026.
Interpreter: Polish, independent of the family, female if possible.
"""
