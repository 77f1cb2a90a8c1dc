-- What a record tells of its attempts: see record-codec.ts.

-- The parts of the text that has label, history and last error; '' for what it does not have.
local function parts_of(text)
  local label = string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
  local at = #label + 1
  local bytes = string.sub(text, at, at) == '@' and 3 + struct.unpack('<I2', text, at + 1) or 0
  return label, string.sub(text, at, at + bytes - 1), string.sub(text, at + bytes)
end

-- How the last attempt failed, and the lines of those before it, a line feed in front of each; '' for either.
local function told_by(history)
  local at = string.find(history, '\n', 4, true) or #history + 1
  return string.sub(history, 4, at - 1), string.sub(history, at)
end

local function history_of(outcome, lines)
  return '@' .. struct.pack('<I2', #outcome + #lines) .. outcome .. lines
end

-- The history of a record whose last attempt failed so.
local function with_outcome(history, outcome)
  local _, lines = told_by(history)
  return history_of(outcome, lines)
end

-- The history once another attempt follows the last one: withLast in stores/history.ts. Without `outcome` the one that is
-- told, or that of a version which told none.
local function with_last(history, number, token, lease_id, began, ended, outcome)
  local told, lines = told_by(history)
  outcome = outcome or (told ~= '' and told or 'failed')
  -- The clock may have stepped back.
  local took = math.max(0, ended - began)
  lines = lines .. string.format('\n%.0f %.0f ', number, token) .. string.sub(string.match(lease_id, '^[^.]*'), 1, 8)
    .. string.format(' %.0f %.0f ', began, took) .. outcome
  local tenth = 1
  for _ = 1, 9 do tenth = tenth and string.find(lines, '\n', tenth + 1, true) end
  if tenth then lines = string.sub(lines, (string.find(lines, '\n', 2, true))) end
  return history_of('', lines)
end
