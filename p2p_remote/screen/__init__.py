"""Screen pixels to update messages and back; viewport geometry. Pure, numpy only."""
