"""p2pr1 a second time, in one straight line, from docs/protocol and nothing else.

It shares no code with the program: hashlib, nacl.bindings and slices. The vectors come
from it (`tests.crypto.make_vectors`), and the tests hold the program against them.
"""

import hashlib
from typing import Any

from nacl import bindings as sodium


def le(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little")


def lv(*parts: bytes) -> bytes:
    out = b""
    for part in parts:
        length = len(part)
        while length > 127:
            out += bytes([length % 128 + 128])
            length //= 128
        out += bytes([length]) + part
    return out


def blake(person: str, data: bytes, size: int = 32, key: bytes = b"") -> bytes:
    return hashlib.blake2b(
        data, digest_size=size, key=key, person=person.encode()
    ).digest()


def hashed(label: str, *parts: bytes, key: bytes = b"") -> bytes:
    return blake("p2pr1/" + label, lv(*parts), key=key)


def mix(chain: bytes, secret: bytes, label: bytes) -> tuple[bytes, bytes]:
    out = blake("p2pr1/mix", lv(label, secret), 64, chain)
    return out[:32], out[32:]


def box(key: bytes, plaintext: bytes) -> bytes:
    return sodium.crypto_secretbox_easy(plaintext, bytes(24), key)


def sign(seed: bytes, message: bytes) -> bytes:
    return sodium.crypto_sign(message, sodium.crypto_sign_seed_keypair(seed)[1])[:64]


def verify_key(seed: bytes) -> bytes:
    return sodium.crypto_sign_seed_keypair(seed)[0]


def name_field(name: str) -> bytes:
    return bytes([len(name.encode())]) + name.encode().ljust(64, b"\0")


def id_of(public: bytes, counter: int) -> int:
    salt = hashed("realm", b"p2p-remote")[:16]
    digest = sodium.crypto_pwhash_alg(
        32,
        public + le(counter, 2),
        salt,
        2,
        64 * 2**20,
        sodium.crypto_pwhash_ALG_ARGON2ID13,
    )
    return 100_000_000 + int.from_bytes(digest, "little") % 900_000_000


# Elligator 2 and the Montgomery ladder in integers, as RFC 9380 and RFC 7748 say it

P = 2**255 - 19
A = 486662


def elligator2(uniform: bytes) -> int:
    r = int.from_bytes(uniform, "little") % 2**255 % P
    v = -A * pow(1 + 2 * r * r, -1, P) % P
    square = (v**3 + A * v**2 + v) % P
    return v if pow(square, (P - 1) // 2, P) in {0, 1} else (-v - A) % P


def share_of(scalar: bytes, generator: int) -> bytes:
    return sodium.crypto_scalarmult(scalar, le(generator, 32))


def cpace_generator(prs: bytes, ci: bytes, sid: bytes) -> int:
    padding = max(0, 127 - len(lv(prs)) - len(lv(b"CPace255")))
    text = lv(b"CPace255", prs, bytes(padding), ci, sid)
    return elligator2(hashlib.sha512(text).digest()[:32])


class Run:
    """All values of one handshake. `overrides` replaces values to make bad messages."""

    def __init__(self, case: dict[str, Any], **overrides: Any) -> None:
        def value(name: str, otherwise: Any) -> Any:
            return overrides.get(name, otherwise)

        caller, called = bytes.fromhex(case["caller"]), bytes.fromhex(case["called"])
        draws_i = bytes.fromhex(case["caller_random"])
        draws_r = bytes.fromhex(case["called_random"])
        n_i, x_i, r_i, y_i = (draws_i[k : k + 32] for k in range(0, 128, 32))
        n_r, x_r, r_r, y_r = (draws_r[k : k + 32] for k in range(0, 128, 32))
        prs_i = bytes.fromhex(value("prs_i", case["password"]))
        prs_r = bytes.fromhex(case["password"])
        target = le(value("target", case["target_id"]), 4)
        suite = le(value("suite", 1), 2)
        e_i = value("e_i", sodium.crypto_scalarmult_base(x_i))
        e_r = value("e_r", sodium.crypto_scalarmult_base(x_r))
        c_i = value("c_i", hashed("commit", b"I", e_i, r_i))
        c_r = value("c_r", hashed("commit", b"R", r_r))
        policy = le(value("policy", 1 if prs_r else 0), 2)

        head = b"\x41" + le(value("suites", 2), 2) + target + n_i + c_i
        head += bytes.fromhex(value("token", case["token"]))
        self.m1 = head + value("cookie", bytes(32))
        self.m1_direct = self.m1 + value("padding", bytes(393))

        sid, ci = n_i + n_r, lv(b"p2pr1", suite, target)
        generator = cpace_generator(prs_r, ci, sid)
        caller_generator = cpace_generator(prs_i, ci, sid)
        share_r = value("share_r", share_of(y_r, generator))
        share_i = value("share_i", share_of(y_i, caller_generator))
        self.m2 = b"\x42" + n_i[:16] + suite + n_r + e_r + c_r + share_r
        self.m2 += policy + target

        dh = self.product(x_r, e_i) if "e_i" in overrides else self.product(x_i, e_r)
        k = self.product(y_i, share_r)
        isk_text = lv(b"CPace255_ISK", sid, k)
        isk_text += lv(share_i, e_i + r_i) + lv(share_r, e_r + c_r)
        isk = hashlib.sha512(isk_text).digest()
        th1 = hashed("th1", head + bytes(32), self.m2, e_i, r_i, share_i)
        ck0 = hashed("init", suite)
        ck1, k3 = mix(ck0, dh, th1)
        ck2, k3p = mix(ck1, isk, th1)

        id_i, id_r = verify_key(caller), verify_key(called)
        claimed, answering = value("id_i", id_i), value("id_r", id_r)
        signer_i, signer_r = (
            caller if public == id_i else called for public in (claimed, answering)
        )
        inner = claimed + value(
            "sig_i", sign(signer_i, b"p2pr1 I " + hashed("sign", th1, claimed))
        )
        inner += le(value("counter_i", case["caller_counter"]), 2)
        inner += le(case["wanted"], 4)
        inner += value("name_i", name_field(case["caller_name"]))
        sealed = box(k3p, inner)
        outer = sealed + value("inner_padding", bytes(383 - len(sealed)))
        self.m3 = b"\x43" + n_r[:16] + e_i + value("r_i", r_i) + share_i
        self.m3 += box(k3, outer)

        th2 = hashed("th2", th1, self.m3)
        ck3, k4 = mix(ck2, th2, b"m4")
        opening = value("r_r", r_r)
        sig_r = sign(
            signer_r, b"p2pr1 R " + hashed("sign", th2, id_i, answering, opening)
        )
        plain4 = answering + opening + value("sig_r", sig_r)
        plain4 += le(value("counter_r", case["called_counter"]), 2)
        plain4 += le(case["capabilities"], 4)
        plain4 += value("name_r", name_field(case["called_name"]))
        self.m4 = b"\x44" + n_i[:16] + box(k4, plain4)
        th3 = hashed("th3", th2, self.m4)
        self.m5 = b"\x45" + n_i[:16]
        self.m5 += box(hashed("refuse", th1, key=ck1), bytes([value("reason", 1)]))

        digest = blake("p2pr1/sas", lv(head + bytes(32), self.m2, e_i), 16, r_i + r_r)
        self.sas = f"{int.from_bytes(digest, 'little') % 10**6:06d}"

        def exported(label: str) -> bytes:
            return hashed("export", label.encode(), th3, key=ck3)

        self.values = {
            "generator": le(generator, 32),
            "share_i": share_i,
            "share_r": share_r,
            "dh": dh,
            "k": k,
            "isk": isk,
            "th1": th1,
            "ck1": ck1,
            "k3": k3,
            "ck2": ck2,
            "k3p": k3p,
            "th2": th2,
            "ck3": ck3,
            "k4": k4,
            "th3": th3,
            "chain_key": exported("chain"),
            "check_key": exported("check"),
            "index_i": exported("index I")[:4],
            "index_r": exported("index R")[:4],
            "exporter_auth": exported("auth"),
        }

    @staticmethod
    def product(scalar: bytes, point: bytes) -> bytes:
        """X25519, with zeros where libsodium refuses: what an attacker would use."""
        try:
            return sodium.crypto_scalarmult(scalar, point)
        except Exception:  # noqa: BLE001
            return bytes(32)


def packet_key(chain: bytes, direction: int) -> bytes:
    return blake("p2pr-key", bytes([direction]), key=chain)


def packet(
    chain: bytes, *, epoch: int, direction: int, index: int, number: int, text: bytes
) -> bytes:
    header = bytes([0xC0 | epoch % 16]) + le(index, 4) + le(number, 6)
    nonce = header + bytes([direction]) + bytes(12)
    key = packet_key(chain, direction)
    return header + sodium.crypto_secretbox_easy(text, nonce, key)


def next_chain(chain: bytes, shared: bytes, offer: bytes, answer: bytes) -> bytes:
    return blake("p2pr-next", lv(shared, offer, answer), key=chain)


def stream(seed: str, size: int) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(size)
