-- The formats of a record's value: see record-codec.ts. HEAD ends with the lease id, FACTS with the fingerprint, RECORD
-- with the text of label, history and last error; AFTER_HEAD is RECORD without HEAD. The value of an accepted record goes on
-- with ACCEPTED; QUEUED is that without the delivery.
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
