"""How much memory the objects of this program keep."""

import gc
import sys
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

_NOT_OURS = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def footprint(root: Any) -> int:
    """Bytes of everything that `root` holds, classes and functions left out."""
    seen: set[int] = set()
    todo = [root]
    total = 0
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, _NOT_OURS):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        todo += gc.get_referents(each)
    return total
