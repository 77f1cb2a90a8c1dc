-- The label in front of a last error, as record-codec.ts packs it; '' if there is none.
local function label_of(text)
  return string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
end
