"""Why a commit may write, and by which policy: asked before each step of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from kclassify.core.canary import Standard
from kclassify.core.gate import (
    CertifiedPolicy,
    DryRunSeal,
    Evidence,
    Facts,
    GateRecord,
    Granted,
    Refused,
    authorize,
    verdict_digest,
)
from kclassify.core.policy import WritePolicy
from kclassify.errors import GateRefused
from kclassify.ports import Classifier, Explained, Gate, Ledger


@dataclass(frozen=True, slots=True)
class Authority:
    """What a step may write, and why.

    `gate` is the digest of the record that allows it, `override` the reason to write without one,
    `refusal` what that reason set aside. With `dry_run` only what that one settled is written.
    `sampled` are the items that the gate has counted, by digest. `warnings` are for people.
    """

    policy: WritePolicy
    override: str | None = None
    gate: str | None = None
    refusal: str | None = None
    standard: Standard = field(default_factory=Standard)
    dry_run: DryRunSeal | None = None
    sampled: Collection[str] = frozenset()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authorities:
    """Asks the gate, and an override that sets it aside."""

    gate: Gate | None
    classifier: Classifier[str]
    ledger: Ledger
    policy: WritePolicy

    def ask(self, override: str | None, now: float) -> Authority:
        """Why this commit may write; files and ledger are read for it.

        Raises `GateRefused` where neither a record nor a reason allows it, and where the settings
        would write less than the record's policy.
        """
        if override is not None and not override.strip():
            raise GateRefused("an override needs a reason, and this one is empty")
        evidence = Evidence(None) if self.gate is None else self.gate.read()
        said = authorize(evidence, self._facts(evidence.record, now))
        if override is not None:
            return self._overridden(override, said, evidence.record)
        if isinstance(said, Refused):
            raise GateRefused(said.reason)
        return self._granted(said, evidence.record)

    def _facts(self, record: GateRecord | None, now: float) -> Facts:
        classifier = self.classifier
        digests = () if record is None else tuple(record.verdicts)
        held = dict(self.ledger.recall(digests, classifier.fingerprint)) if digests else {}
        seal = None if record is None else record.dry_run
        return Facts(
            fingerprint=classifier.fingerprint,
            known=classifier.taxonomy.known,
            now=now,
            parts=classifier.fingerprint_parts if isinstance(classifier, Explained) else {},
            verdicts={digest: verdict_digest(outcome) for digest, outcome in held.items()},
            dry_run_rows=None if seal is None else self.ledger.dry_run_rows(seal.run, seal.number),
        )

    def _overridden(
        self, override: str, said: Granted | Refused, record: GateRecord | None
    ) -> Authority:
        authority = Authority(
            self.policy, override, standard=Standard.of(record), sampled=_sampled(record)
        )
        if self.gate is None or isinstance(said, Granted):
            return authority
        told = f"the override sets aside what the gate says: {said.reason}"
        return replace(authority, refusal=said.reason, warnings=(told,))

    def _granted(self, granted: Granted, record: GateRecord | None) -> Authority:
        active = map(str, self.classifier.taxonomy.labels)
        stricter = self.policy.stricter_than(granted.policy, active)
        if stricter is not None:
            raise GateRefused(stricter)
        return Authority(
            WritePolicy.of(granted.policy),
            gate=granted.digest,
            standard=Standard.of(record),
            dry_run=granted.dry_run,
            sampled=_sampled(record),
            warnings=self._raised(granted.policy),
        )

    def _raised(self, certified: CertifiedPolicy) -> tuple[str, ...]:
        laxer = self.policy.laxer_than(certified)
        if not laxer:
            return ()
        asked = ", ".join(laxer)
        return (f"the gate certified confidence {certified.threshold:g}, which holds over {asked}",)


def _sampled(record: GateRecord | None) -> frozenset[str]:
    return frozenset(() if record is None else record.verdicts)
