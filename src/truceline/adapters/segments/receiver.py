"""All sensors' segments as they come in: each checked by itself, then among its sensor's, then counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from truceline.adapters.segments.chain import Admitted, ChainLimits, ChainState, SensorChain, Stretch
from truceline.adapters.segments.enrolment import KeyState, Registry
from truceline.adapters.segments.keys import shared_secret
from truceline.adapters.segments.messages import VerifiedRow, message_of
from truceline.adapters.segments.tally import Gaps, SensorTally, Tally
from truceline.adapters.segments.verify import Quarantined, Signed, Verifier


class ReceiverState(msgspec.Struct, frozen=True, kw_only=True):
    """The chains of all sensors, to go on from; `out` is the folder that the call before wrote, where one did."""

    chains: tuple[ChainState, ...]
    out: str = ""
    schema_name: str = "truceline.segment_receiver/1"


class WrongPayload(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a sensor signed and that is no detection: kept in its segment, counted, not used."""

    sensor_id: str
    sequence: int
    message_index: int
    reason: str


class Receiver:
    """Takes segments in, one by one; the same segments in the same order of receipt give the same answers."""

    def __init__(
        self,
        registry: Registry,
        *,
        beacons_ns: Mapping[bytes, int] | None = None,
        exchange_secret: bytes | None = None,
        limits: ChainLimits | None = None,
    ) -> None:
        """Know the keys, when each beacon was published, and the gateway's X25519 secret where MACs are checked."""
        self._beacons_ns = dict(beacons_ns or {})
        self._tally = Tally()
        self._requests = {state.sensor_id: state.request for state in registry.keys.values()}
        self.verifier = Verifier(registry.keys, shared_secrets=_secrets(registry, exchange_secret))
        self._chains = {
            sensor_id: _chain(sensor_id, states, limits) for sensor_id, states in _by_sensor(registry).items()
        }

    def take(self, content: bytes, *, received_ns: int) -> Admitted | Quarantined:
        """Check one segment in every way."""
        return self.judge(self.verifier.verify(content, received_ns=received_ns), content)

    def judge(self, outcome: Signed | Quarantined, content: bytes) -> Admitted | Quarantined:
        """Go on with a segment that was checked by itself, here or in another process."""
        judged: Admitted | Quarantined
        if isinstance(outcome, Signed):
            judged = self._chains[outcome.sensor_id].admit(outcome, self._beacons_ns)
            if isinstance(judged, Quarantined):
                judged = judged._replace(content=content)
        else:
            judged = outcome
        self._tally.count(judged)
        return judged

    def rows(self, admitted: Admitted) -> tuple[list[VerifiedRow], list[WrongPayload]]:
        """Give the detections of a segment that is used, and its messages that are none."""
        signed = admitted.signed
        body, sensor_id = signed.segment.body, signed.sensor_id
        rows, wrong = [], []
        for index, (start, mac) in enumerate(signed.spans):
            found = message_of(body[start + 4 : mac])
            if isinstance(found, str):
                sequence = signed.segment.header.sequence
                wrong.append(WrongPayload(sensor_id=sensor_id, sequence=sequence, message_index=index, reason=found))
                continue
            rows.append(
                VerifiedRow(
                    sensor_id=sensor_id,
                    received_ns=signed.received_ns,
                    widen_s=admitted.widen_s,
                    timing_sigma_s=self._requests[sensor_id].timing_sigma_s,
                    message=found,
                )
            )
        return rows, wrong

    def gaps(self) -> dict[str, list[Stretch]]:
        """Give for each sensor the first and last sequence of every missing stretch: what to ask it for again."""
        return {sensor_id: list(chain.gaps) for sensor_id, chain in sorted(self._chains.items())}

    def sensors(self) -> list[SensorTally]:
        """Give the counts of every sensor since this receiver began."""
        return self._tally.sensors(
            {name: Gaps(chain.missing_count, len(chain.gaps)) for name, chain in self._chains.items()}
        )

    def state(self) -> ReceiverState:
        """Give what is remembered of all sensors."""
        return ReceiverState(chains=tuple(chain.state() for _, chain in sorted(self._chains.items())))

    def restore(self, state: ReceiverState) -> None:
        """Go on from what was remembered; sensors enrolled since begin anew."""
        for chain in state.chains:
            if chain.sensor_id in self._chains:
                self._chains[chain.sensor_id].restore(chain)


def _by_sensor(registry: Registry) -> dict[str, list[KeyState]]:
    found: dict[str, list[KeyState]] = defaultdict(list)
    for state in registry.keys.values():
        found[state.sensor_id].append(state)
    return found


def _chain(sensor_id: str, states: Iterable[KeyState], limits: ChainLimits | None) -> SensorChain:
    requests = [state.request for state in states]
    return SensorChain(
        sensor_id,
        start_sequences=[request.first_sequence for request in requests],
        limits=limits,
        timing_sigma_s=max(request.timing_sigma_s for request in requests),
        rate_sigma_ratio=max(request.oscillator_rate_ratio for request in requests),
    )


def _secrets(registry: Registry, exchange_secret: bytes | None) -> dict[bytes, bytes]:
    if exchange_secret is None:
        return {}
    found = {
        key_id: shared_secret(exchange_secret, bytes.fromhex(state.grant.exchange_key))
        for key_id, state in registry.keys.items()
    }
    return {key_id: shared for key_id, shared in found.items() if shared is not None}
