"""Pure: what may go wrong in a state machine that AWS takes."""
