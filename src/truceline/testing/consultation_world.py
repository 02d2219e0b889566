"""A made-up consultation with keys for every role, for tests and for the documents' sample; no real state acts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from truceline.adapters.consultations import ConsultationStore, open_case
from truceline.adapters.office_keys import OfficeKey, sign_record
from truceline.decide.replay import Judged
from truceline.model.decision import (
    Acknowledgement,
    Clarification,
    CommissionFinding,
    Consultation,
    Decision,
    DossierVersion,
    Founding,
    FoundingGuarantor,
    FoundingOfficer,
    KeyGrant,
    Mandate,
    Measure,
    Notice,
    Review,
    Service,
)
from truceline.model.quantity import TimeSpan, canonical_bytes

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
"""When the made-up case is founded."""

STEP = timedelta(hours=1)
"""How far the clock goes before each record."""

NATIONAL = ("liaison", "parliament", "office")


def seed_of(name: str) -> bytes:
    """Give the seed of a made-up key."""
    return hashlib.sha256(f"made-up key of {name}".encode()).digest()


def hash_of(version_index: int) -> str:
    """Give the root hash of a made-up dossier."""
    return hashlib.sha256(f"made-up dossier {version_index}".encode()).hexdigest()


class World:
    """A case in a folder, a clock that is set by hand, and a key for every role."""

    def __init__(self, folder: Path, needs_mandate: dict[str, bool] | None = None) -> None:
        """Found the case and register every key with the signatures of both officers."""
        self.now = START
        self.folder = folder
        self.titles = needs_mandate or {"QM": True, "QN": False}
        self.keys: dict[tuple[str, str], OfficeKey] = {}
        self.officers = [OfficeKey(seed_of(f"officer {index}")) for index in range(2)]
        self.founding = _founding(self.titles, self.officers)
        open_case(folder, self.founding)
        self.store = self._opened()
        for role, organisation, name in _people(self.titles):
            self._register(role, organisation, name)

    def _opened(self) -> ConsultationStore:
        return ConsultationStore(self.folder, clock=lambda: self.now)

    def restart(self) -> None:
        """Close the store and open it again, as after the end of a program."""
        self.store.close()
        self.store = self._opened()

    def _register(self, role: Any, organisation: str, name: str) -> None:
        key = OfficeKey(seed_of(name))
        self.keys[role, name] = key
        grant = KeyGrant(
            case_id=self.founding.case_id,
            said_time=self.now,
            key_id=key.key_id,
            public_key=key.public_key,
            holder=name,
            office=f"{role} of {organisation}",
            role=role,
            organisation=organisation,
            since=START,
        )
        assert self.submit(grant, *self.officers).verdict == "accepted", "the officers sign every key"

    def submit(self, record: Any, *keys: OfficeKey) -> Judged:
        """Hand a record in with signatures."""
        return self.store.submit(canonical_bytes(sign_record(record, *keys)))

    def key(self, role: str, organisation: str = "") -> OfficeKey:
        """Give the key of a role, of a guarantor where the role is a guarantor's."""
        return next(key for (one, name), key in self.keys.items() if one == role and organisation in name)

    def record(self, kind: Any, **fields: Any) -> Any:
        """Build a record of this case at the present moment."""
        self.now += timedelta(seconds=1)
        return kind(case_id=self.founding.case_id, said_time=self.now, **fields)

    def wait(self, span: timedelta = STEP) -> None:
        """Let the clock go on."""
        self.now += span

    def version(self, version_index: int, status: Any, **fields: Any) -> Judged:
        """Enter a version's state; the reviewers' keys sign what is not a draft."""
        record = self.record(
            DossierVersion,
            version_index=version_index,
            dossier_id="dossier-made-up",
            root_sha256=hash_of(version_index),
            status=status,
            **fields,
        )
        both = () if status == "draft" else tuple(key for (role, _), key in self.keys.items() if role == "reviewers")
        return self.submit(record, *both)

    def release(self, version_index: int) -> Judged:
        """Draft a version and release it; a second one corrects the first."""
        self.version(version_index, "draft")
        if version_index == 1:
            return self.version(1, "released")
        why = {"reasons": "a sensor's clock was wrong", "supersedes_index": version_index - 1}
        return self.version(version_index, "released", **why)

    def serve(self, code: str, version_index: int) -> Judged:
        """Serve a version and have it acknowledged."""
        service = self.record(
            Service, guarantor=code, version_index=version_index, acknowledge_by=self.now + timedelta(hours=12)
        )
        self.submit(service, self.key("secretariat"))
        return self.acknowledge(code, version_index)

    def acknowledge(self, code: str, version_index: int) -> Judged:
        """Have a served version acknowledged by the guarantor's liaison."""
        record = self.record(Acknowledgement, guarantor=code, version_index=version_index)
        return self.submit(record, self.key("liaison", code))

    def clarification(self, status: Any, version_index: int = 1) -> Judged:
        """Ask the party, let it reply, or record that it did not."""
        role = "party" if status == "replied" else "secretariat"
        text = {"asked": "Where was the battery at 05:10?", "replied": "It was not ours."}.get(status, "")
        return self.submit(
            self.record(Clarification, status=status, version_index=version_index, text=text), self.key(role)
        )

    def find(self, version_index: int = 1, outcome: Any = "no_consensus", **dissents: str) -> Judged:
        """Let the commission find, one member against."""
        votes = {"member A": "for", "member B": "for", "member C": "against"}
        record = self.record(
            CommissionFinding,
            version_index=version_index,
            outcome=outcome,
            votes=votes,
            for_count=2,
            against_count=1,
            abstain_count=0,
            dissents={"member C": dissents["text"]} if dissents else {},
        )
        return self.submit(record, self.key("commission"))

    def consultation(self, status: Any, code: str = "") -> Judged:
        """Request, meet, conclude or lapse."""
        fields = {
            "requested": {"guarantor": code, "instrument": "framework agreement, article 5"},
            "met": {},
            "concluded": {"minutes_sha256": hash_of(99)},
            "lapsed": {"reason": "no version of the dossier stands"},
        }[status]
        key = self.key("office", code) if status == "requested" else self.key("secretariat")
        return self.submit(self.record(Consultation, status=status, **fields), key)

    def mandate(self, code: str, outcome: Any = "granted", *, days: float = 180.0) -> Judged:
        """Let the parliament of a guarantor vote."""
        record = self.record(
            Mandate,
            guarantor=code,
            body="Assembly",
            instrument="made-up motion 17",
            outcome=outcome,
            for_count=301,
            against_count=112,
            abstain_count=9,
            present_count=422,
            span=TimeSpan(start=self.now, end=self.now + timedelta(days=days)) if outcome == "granted" else None,
        )
        return self.submit(record, self.key("parliament", code))

    def decision(self, code: str, outcome: str = "assist", version_index: int = 1, **fields: Any) -> Decision:
        """Build a decision that nobody has signed yet."""
        kinds = ("logistical", "intelligence") if outcome == "assist" else ()
        plain: dict[str, Any] = {
            "guarantor": code,
            "outcome": outcome,
            "kinds": kinds,
            "cites_index": version_index,
            "cites_sha256": hash_of(version_index),
            "legal_basis": "made-up law 3",
            "supersedes": self.store.replayed().facts.decisions.get(code),
        }
        built: Decision = self.record(Decision, **{**plain, **fields})
        return built

    def decide(self, code: str, outcome: str = "assist", version_index: int = 1) -> Judged:
        """Let a guarantor's office-holder decide."""
        return self.submit(self.decision(code, outcome, version_index), self.key("office", code))

    def measure(self, code: str, status: Any, measure_index: int = 0) -> Judged:
        """Authorise, start, suspend or end a measure."""
        decision_id = self.store.replayed().facts.decisions.get(code, "none")
        names = ("C-4 medical transport",) if status == "authorised" else ()
        record = self.record(
            Measure,
            guarantor=code,
            decision_id=decision_id,
            measure_index=measure_index,
            status=status,
            contribution_ids=names,
        )
        return self.submit(record, self.key("office", code))

    def notice(self, code: str, status: Any) -> Judged:
        """Deliver a notice (a program's act, unsigned) or read it (the liaison's)."""
        keys = () if status == "delivered" else (self.key("liaison", code),)
        return self.submit(self.record(Notice, guarantor=code, status=status), *keys)

    def review(self, code: str, outcome: Any, version_index: int = 0) -> Judged:
        """Let a guarantor's office-holder affirm, amend or revoke."""
        record = self.record(
            Review,
            guarantor=code,
            decision_id=self.store.replayed().facts.decisions.get(code, "none"),
            cause="correction",
            outcome=outcome,
            cites_index=version_index,
            cites_sha256=hash_of(version_index) if version_index else "",
        )
        return self.submit(record, self.key("office", code))


def _founding(needs_mandate: dict[str, bool], officers: list[OfficeKey]) -> Founding:
    return Founding(
        case_id="made-up-1",
        title="Made-up case 1",
        party="Party A",
        guarantors=tuple(
            FoundingGuarantor(guarantor=code, title=f"Guarantor {code}", needs_mandate=needs)
            for code, needs in needs_mandate.items()
        ),
        commission_members=("member A", "member B", "member C"),
        officers=tuple(
            FoundingOfficer(name=f"Officer {index + 1}", organisation=f"Body {index + 1}", public_key=key.public_key)
            for index, key in enumerate(officers)
        ),
        founded_time=START,
        synthetic=True,
    )


def _people(codes: dict[str, bool]) -> list[tuple[str, str, str]]:
    common = [
        ("reviewers", "Mission", "Reviewer One"),
        ("reviewers", "Mission", "Reviewer Two"),
        ("party", "Party A", "Envoy of Party A"),
        ("commission", "Commission", "Clerk of the commission"),
        ("secretariat", "Secretariat", "Secretary"),
    ]
    return common + [(role, code, f"{role.capitalize()} holder of {code}") for code in codes for role in NATIONAL]


def walk_to_meeting(world: World) -> None:
    """Go from a released version to a consultation that met, with a finding that no consensus was reached."""
    world.release(1)
    for code in world.titles:
        world.wait()
        world.serve(code, 1)
    world.clarification("asked")
    world.wait(timedelta(hours=49))
    world.clarification("not_replied")
    world.find(text="the angle of fall was not measured twice")
    world.consultation("requested", next(iter(world.titles)))
    world.wait()
    world.consultation("met")
