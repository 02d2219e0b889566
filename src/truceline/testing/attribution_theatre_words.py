"""What is said of an event in the made-up theatre: parties with their media, outlets of neither, missions, intercepts.

Not the catalogue's tables: outlets are often led by one party's account, all at once; both parties talk alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from truceline.model.evidence import EvidenceItem
from truceline.testing.attribution_theatre_ground import PARTIES
from truceline.testing.attribution_theatre_sensors import ARRAY, Scene

LED_SHARE = 0.35
"""Events of which most outlets tell what one party with better reach says, whoever did it."""

OUTLETS_MEAN_COUNT = 1.2
COPIES_MEAN_COUNT = 0.3


def bloc(party_index: int) -> str:
    """Name a party together with the media that speak for it: one cluster, however many they are."""
    return f"bloc {PARTIES[party_index]}"


def spoken(scene: Scene, item_type: str, party_index: int) -> EvidenceItem:
    """Give what a party says."""
    made = scene.item(item_type, (bloc(party_index), PARTIES[party_index]), "statement")
    return msgspec.structs.replace(made, speaker=PARTIES[party_index])


def named(scene: Scene, item_type: str, *, owner: tuple[str, str], party_index: int) -> EvidenceItem:
    """Give what others say of a party."""
    made = scene.item(item_type, owner, "media" if "media" in item_type else "statement")
    return msgspec.structs.replace(made, about=PARTIES[party_index])


def word_items(scene: Scene) -> tuple[list[EvidenceItem], tuple[str, ...]]:
    """Give all that is said, in a fixed order of drawing, and which outlets wrote of it, whomever they name or not."""
    said = [item for speaker in (0, 1) for item in _party_words(scene, speaker)]
    outlets = _outlets(scene)
    said += [item for items in outlets.values() for item in items]
    return [*said, *_missions(scene), *_intercepts(scene), *_video(scene)], tuple(outlets)


def _party_words(scene: Scene, speaker: int) -> Iterator[EvidenceItem]:
    did = scene.happening.party_index
    blames = 0.62 if did == 1 - speaker else 0.45 if did == speaker else 0.3
    if scene.happens(blames):
        yield spoken(scene, "party_blames_other", speaker)
    if scene.happens(0.24 if did == speaker else 0.2):
        yield spoken(scene, "party_denies", speaker)
    if scene.happens(0.03 if did == speaker else 0.0015):
        yield spoken(scene, "party_admits_or_claims", speaker)


def _outlets(scene: Scene) -> dict[str, list[EvidenceItem]]:
    """Give what outlets of neither party say: each finds out by itself, unless one party's account leads all."""
    written: dict[str, list[EvidenceItem]] = {}
    did, led = scene.happening.party_index, scene.happens(LED_SHARE)
    leader = int(scene.chance.integers(2))
    for number in range(int(scene.chance.poisson(OUTLETS_MEAN_COUNT))):
        outlet = f"outlet {number}"
        told = (1 - leader if scene.happens(0.8) else -1) if led else _found_out(scene, did)
        copies = 1 + int(scene.chance.poisson(COPIES_MEAN_COUNT)) if told >= 0 else 0
        written[outlet] = [
            named(scene, "third_party_media_names_party", owner=(outlet, outlet), party_index=told)
            for _ in range(copies)
        ]
    return written


def _found_out(scene: Scene, did: int) -> int:
    """Draw whom an outlet names by itself, -1 for nobody."""
    drawn = scene.chance.random()
    if did < 0:
        return int(scene.chance.integers(2)) if drawn < 0.35 else -1
    return did if drawn < 0.55 else 1 - did if drawn < 0.68 else -1


def _missions(scene: Scene) -> Iterator[EvidenceItem]:
    """A mission names a party, right in 9 of 10; half of them rest on the arrays and hang on these."""
    did = scene.happening.party_index
    if did >= 0 and scene.happens(0.07):
        told = did if scene.happens(0.9) else 1 - did
        owner = ARRAY if scene.happens(0.5) else ("mission", "mission")
        yield named(scene, "international_mission_statement", owner=owner, party_index=told)


def _intercepts(scene: Scene) -> Iterator[EvidenceItem]:
    did = scene.happening.party_index
    for speaker in (0, 1):
        if scene.happens(0.05 if did == 1 - speaker else 0.035):
            yield spoken(scene, "intercept_released_by_a_party", speaker)
    if did >= 0 and scene.happens(0.015):
        told = did if scene.happens(0.88) else 1 - did
        owner = ("authenticating body", "authenticating body")
        yield named(scene, "intercept_independently_authenticated", owner=owner, party_index=told)


def _video(scene: Scene) -> Iterator[EvidenceItem]:
    """Video of the firing: of a bystander, wrong in 1 of 9; of a party, made up to show the other where it suits."""
    happening = scene.happening
    if happening.launch is None or happening.party_index < 0 or not scene.happens(0.09):
        return
    did, uploader = happening.party_index, int(scene.chance.integers(3)) - 1
    if uploader < 0:
        spot = scene.returned_fire() if scene.happens(0.11) else happening.launch
        owner, wrong = ("first upload", "bystander"), None
    elif uploader == did and scene.happens(0.5):
        return
    else:
        spot = scene.other_launch(1 - uploader) if uploader == did or scene.happens(0.2) else happening.launch
        owner, wrong = (bloc(uploader), PARTIES[uploader]), 0.5
    origin = scene.point(spot, 250.0, actual_m=250.0 * math.sqrt(1.5), degrees_of_freedom_count=5)
    made = scene.item("geolocated_video_verified", owner, "video", origin)
    yield msgspec.structs.replace(made, contamination_probability=wrong)
