"""What a responder checks in M3 and says in M4, on one call."""

from p2p_remote.crypto import handshake_keys as keys
from p2p_remote.crypto import primitives, sas
from p2p_remote.crypto.half_open import Call, CallSecrets, Verified
from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.wire import handshake as wire


def open_outer(
    call: Call, secrets: CallSecrets, proof: wire.CallerProof
) -> tuple[keys.OuterKeys, bytes]:
    """Outer keys and the identity, still sealed under the password.

    The commitment comes first: it is cheap, and a forger who has not seen M3 fails it.

    Raises:
        AuthenticationFailedError: commitment, key or seal do not hold.
        MalformedMessageError: sealed, but not of the right shape.

    """
    committed = sas.initiator_commitment(proof.ephemeral, proof.opening)
    if not primitives.equal(committed, call.request.commitment):
        raise AuthenticationFailedError("the commitment of M1 does not open")
    shared = primitives.x25519(secrets.ephemeral, proof.ephemeral)
    th1 = keys.first_transcript(
        call.request,
        call.answer,
        ephemeral=proof.ephemeral,
        opening=proof.opening,
        share=proof.share,
    )
    outer = keys.OuterKeys.derive(call.answer.suite, shared, th1)
    plaintext = keys.unseal(outer.proof_key, proof.sealed)
    return outer, wire.unpack_proof_plaintext(plaintext)


def open_inner(
    call: Call,
    secrets: CallSecrets,
    outer: keys.OuterKeys,
    proof: wire.CallerProof,
    sealed_caller: bytes,
) -> tuple[keys.InnerKeys, bytes]:
    """Inner keys and the plaintext of the inner seal.

    Raises:
        AuthenticationFailedError: the passwords differ.

    """
    cpace_key = secrets.cpace.finish_responder(
        call.answer.ephemeral + call.answer.commitment,
        proof.share,
        proof.ephemeral + proof.opening,
    )
    inner = keys.InnerKeys.derive(outer, cpace_key)
    return inner, keys.unseal(inner.identity_key, sealed_caller)


def verify_caller(
    th1: bytes, plaintext: bytes, own_public: bytes
) -> wire.CallerIdentity | None:
    """Who calls, if the signature over this very handshake holds and it is not us."""
    try:
        caller = wire.CallerIdentity.unpack(plaintext)
        signed = keys.initiator_signed(th1, caller.public)
        primitives.ed25519_verify(caller.public, signed, caller.signature)
    except (MalformedMessageError, AuthenticationFailedError):
        return None
    return None if caller.public == own_public else caller


def digits(call: Call, secrets: CallSecrets) -> str:
    """Comparison digits of a call whose M3 holds."""
    proof = wire.CallerProof.unpack(call.proof)
    return sas.comparison_digits(
        (proof.opening, secrets.opening),
        call.request.transcript(),
        call.answer.pack(),
        proof.ephemeral,
    )


def accept(
    call: Call,
    secrets: CallSecrets,
    verified: Verified,
    identity: Identity,
    *,
    name: str,
    capabilities: int,
) -> bytes:
    """M4 for a verified caller."""
    signed = keys.responder_signed(
        verified.accept.th2, verified.caller.public, identity.public, secrets.opening
    )
    responder = wire.ResponderIdentity(
        public=identity.public,
        opening=secrets.opening,
        signature=identity.sign(signed),
        counter=identity.counter,
        capabilities=capabilities,
        name=name,
    )
    return wire.Acceptance(
        call.request.nonce[: wire.ECHO_LENGTH],
        keys.seal(verified.accept.acceptance_key, responder.pack()),
    ).pack()
