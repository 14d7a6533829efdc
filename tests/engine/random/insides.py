"""What is right inside a block, and whether an element is: for whoever walks a tree by its blocks."""

from __future__ import annotations

from tests.engine.random import blocks
from tests.engine.random.blocks import Block


def inner_blocks(block: Block) -> tuple[Block, ...]:
    """The blocks right inside this one, of its own scope."""
    match block:
        case blocks.Seq():
            return block.blocks
        case blocks.Par():
            return block.branches
        case blocks.Xor() | blocks.Or():
            return (*(inner for _, inner in block.branches), *([block.otherwise] if block.otherwise else []))
        case blocks.Loop():
            return (block.body,)
        case blocks.Race():
            return tuple(inner for way in block.branches for inner in way)
        case _:
            return ()


def is_within(block: Block, element: str) -> bool:
    """Whether a way through this block, of its own scope, comes to the element; handlers that run beside it are not on it."""
    names = (getattr(block, "id", ""), f"{block.id}_in" if isinstance(block, blocks.Loop) else "")
    handlers = [b.handler for b in getattr(block, "boundaries", ()) if b.interrupting]
    return element in names or any(is_within(inner, element) for inner in (*inner_blocks(block), *handlers))


def first_of(block: Block) -> str:
    """The element a way through this block comes to first, by no other way; "" where there is none, or other ways come there."""
    if isinstance(block, blocks.Seq):
        return next((first_of(inner) for inner in block.blocks if inner != blocks.Seq()), "")
    return "" if isinstance(block, blocks.Loop) else str(block.id)
