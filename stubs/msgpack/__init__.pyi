# The part of msgpack that this project calls; the library ships no types. Only what
# is named here may be called: an argument that msgpack does not know would raise at
# run time, on bytes of a peer.

from typing import Any

from msgpack import exceptions as exceptions

def packb(o: object, /) -> bytes: ...
def unpackb(
    packed: bytes | bytearray | memoryview,
    /,
    *,
    use_list: bool = True,
    raw: bool = False,
    strict_map_key: bool = True,
    max_str_len: int = -1,
    max_bin_len: int = -1,
    max_array_len: int = -1,
    max_map_len: int = -1,
    max_ext_len: int = -1,
) -> Any: ...
