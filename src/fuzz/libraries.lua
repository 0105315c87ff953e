local format, data = ARGV[1], ARGV[2]

local function same(one, other)
  if type(one) ~= 'table' or type(other) ~= 'table' then
    return one == other or one ~= one and other ~= other
  end
  local members = 0
  for key, value in pairs(one) do
    members = members + 1
    -- A table that is a key is another one each time.
    if type(key) ~= 'table' and not same(value, other[key]) then
      return false
    end
  end
  for _ in pairs(other) do
    members = members - 1
  end
  return members == 0
end

-- The results of a function in a table; nil: it has failed, which it may, with a text.
local function results(body, ...)
  local args, count, found = {...}, select('#', ...), nil
  local ok, err = pcall(function()
    local function kept(...)
      found = {count = select('#', ...), ...}
    end
    kept(body(unpack(args, 1, count)))
  end)
  assert(ok or type(err) == 'string', type(err))
  return found
end

local function again(write, read, values)
  local bytes = results(write, unpack(values, 1, values.count))
  if bytes then
    return bytes[1], results(read, bytes[1])
  end
end

local function check(name, write, read, values)
  local _, first = again(write, read, values)
  if first then
    local _, second = again(write, read, first)
    assert(second and same(first, second), name)
  end
end

local json = cjson.new()
json.encode_invalid_numbers(true)
json.encode_sparse_array(true)
json.decode_max_depth(100)
local values = results(json.decode, data)
if values then
  check('cjson', json.encode, json.decode, values)
end

values = results(cmsgpack.unpack, data)
if values and values.count > 0 then
  check('cmsgpack', cmsgpack.pack, cmsgpack.unpack, values)
end

values = results(struct.unpack, format, data)
if values and not format:find('c0', 1, true) then
  -- The last is where the next value would begin.
  local function pack(...)
    return struct.pack(format, ...)
  end
  local function unpack_all(bytes)
    return struct.unpack(format, bytes)
  end
  local written, read = again(pack, unpack_all, values)
  local rewritten = again(pack, unpack_all, read)
  assert(written == rewritten, 'struct')
end

return 1
