-- The score of a dead record in its agenda is DEAD and its expiry, negative, so that a range has all dead ones and no others.
-- Expiries are far below, and their sum is still a whole number in a double.
local DEAD = 1000000000000000
