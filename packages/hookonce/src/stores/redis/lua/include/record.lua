-- How a record's value is packed: see record-codec.ts. HEAD ends with the lease id, FACTS with the fingerprint, RECORD
-- with the label and the last error; AFTER_HEAD is what RECORD has and HEAD has not.
-- Of an accepted record the value goes on with PLACE, and ACCEPTED is that with the delivery.
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
